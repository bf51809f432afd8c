// microgpt in Go: go run microgpt.go NAMES [STEPS]
// A GPT of one layer learns names, one a step, and then makes twenty new ones.
package main

import (
	"fmt"
	"math"
	"os"
	"sort"
	"strconv"
	"strings"
)

const context, E, D = 16, 16, 4 // a token is E numbers, and each head has D of them

// CPython's Mersenne Twister; gauss makes two numbers at a time.
var words, used, spare = [624]uint32{19650218}, 0, []float64{}

func init() { // random.seed(42)
	mixed := func(i int, factor uint32) uint32 { return (words[i-1] ^ words[i-1]>>30) * factor }
	for i := 1; i < 624; i++ {
		words[i] = mixed(i, 1812433253) + uint32(i)
	}
	for n := 0; n < 624+623; n++ {
		if i := n%623 + 1; n < 624 {
			words[i] = (words[i] ^ mixed(i, 1664525)) + 42
		} else {
			words[i] = (words[i] ^ mixed(i, 1566083941)) - uint32(i)
		}
		words[0] = words[623]
	}
	words[0] = 1 << 31
}

func randomBits(n int) uint32 { // at most 32
	y := words[used]&0x80000000 | words[(used+1)%624]&0x7fffffff
	y = words[(used+397)%624] ^ y>>1 ^ y&1*0x9908b0df
	words[used], used = y, (used+1)%624
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return (y ^ y>>18) >> (32 - n)
}

func random() float64 { // in [0, 1), a multiple of 2^-53
	return (float64(randomBits(27))*(1<<26) + float64(randomBits(26))) / (1 << 53)
}

func shuffle(items []string) {
	for i := len(items) - 1; i > 0; i-- {
		j := len(items)
		for j > i {
			j = int(randomBits(math.Ilogb(float64(i+1)) + 1))
		}
		items[i], items[j] = items[j], items[i]
	}
}

func gauss(mean, std float64) float64 {
	if len(spare) == 0 {
		angle, radius := 2*math.Pi*random(), math.Sqrt(-2*math.Log(1-random()))
		spare = []float64{math.Cos(angle) * radius, math.Sin(angle) * radius}
	}
	z := spare[0]
	spare = spare[1:]
	return mean + z*std
}

func choice(weights []float64) int { // an index, as random.choices finds it; makes sums of the weights
	last := len(weights) - 1
	for i := range weights[:last] {
		weights[i+1] += weights[i]
	}
	point := random() * weights[last]
	return sort.Search(last, func(i int) bool { return point < weights[i] })
}

// A Vector has numbers and their gradient, to which each use of the vector adds. A matrix is a list of rows.
type Vector struct{ data, grad []float64 }

var tape []func() // each operation puts its backward here, in the order of the forward

func zeros(size int) Vector               { return Vector{make([]float64, size), make([]float64, size)} }
func (x Vector) part(from, to int) Vector { return Vector{x.data[from:to], x.grad[from:to]} }

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func addScaled(y []float64, a float64, x []float64) { // y += a x
	for i := range x {
		y[i] += a * x[i]
	}
}

func linear(w []Vector, x Vector) Vector { // y = w x: (M, N) @ (N,) -> (M,)
	y := zeros(len(w))
	for i, row := range w {
		y.data[i] = dot(row.data, x.data)
	}
	tape = append(tape, func() {
		for i, row := range w {
			addScaled(x.grad, y.grad[i], row.data)
			addScaled(row.grad, y.grad[i], x.data)
		}
	})
	return y
}

func combine(y Vector, a []float64, xs ...Vector) Vector { // y = sum of a[i] xs[i], where the a are constants
	for i, x := range xs {
		addScaled(y.data, a[i], x.data)
	}
	tape = append(tape, func() {
		for i, x := range xs {
			addScaled(x.grad, a[i], y.grad)
		}
	})
	return y
}

func add(a, b Vector) Vector { return combine(zeros(E), []float64{1, 1}, a, b) }

func rmsNorm(x Vector) Vector { // y = x / sqrt(mean(x²) + 1e-5)
	scale := 1 / math.Sqrt(dot(x.data, x.data)/E+1e-5)
	y := combine(zeros(E), []float64{scale}, x)
	tape = append(tape, func() { addScaled(x.grad, -scale*dot(y.data, y.grad)/E, y.data) }) // for x is in the scale too
	return y
}

func relu(x Vector) Vector {
	y := zeros(len(x.data))
	for i, value := range x.data {
		if value > 0 {
			combine(y.part(i, i+1), []float64{1}, x.part(i, i+1))
		}
	}
	return y
}

func softmax(z []float64, temperature float64) []float64 {
	p, largest, sum := make([]float64, len(z)), math.Inf(-1), 0.0
	for _, value := range z {
		largest = math.Max(largest, value)
	}
	for i, value := range z {
		p[i] = math.Exp((value - largest) / temperature)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

func attention(y, q Vector, keys, values []Vector) { // of one head of the last token; y is its part of the output
	scores := linear(keys, q)
	p := softmax(scores.data, math.Sqrt(D))
	combine(y, p, values...)
	tape = append(tape, func() { // for the values' weights are no constants
		for s, v := range values {
			scores.grad[s] = p[s] * (dot(y.grad, v.data) - dot(y.grad, y.data)) / math.Sqrt(D)
		}
	})
}

func main() {
	args := append(os.Args[1:], "1000", "1000")
	steps, _ := strconv.Atoi(args[1])
	text, _ := os.ReadFile(args[0])
	names := strings.Fields(string(text))
	if len(names) == 0 || steps < 1 {
		fmt.Fprintln(os.Stderr, "usage: go run microgpt.go NAMES [STEPS]   NAMES: a file with a name a line; STEPS: 1 or more")
		os.Exit(2)
	}
	characters := ""
	for c := byte(' ') + 1; c > 0; c++ {
		if strings.IndexByte(string(text), c) >= 0 {
			characters += string([]byte{c})
		}
	}
	characters += "\n" // begins and ends a name
	V := len(characters)
	shuffle(names)
	parameters := zeros((V + context + V + 12*E) * E)
	m, v := zeros(len(parameters.data)).data, zeros(len(parameters.data)).data // for Adam
	for i := range parameters.data {
		parameters.data[i] = gauss(0, 0.08)
	}
	rest := parameters
	matrix := func(rows, columns int) (w []Vector) {
		for ; rows > 0; rows-- {
			w, rest = append(w, rest.part(0, columns)), rest.part(columns, len(rest.data))
		}
		return w
	}
	wte, wpe, head := matrix(V, E), matrix(context, E), matrix(V, E)
	wq, wk, wv, wo, fc1, fc2 := matrix(E, E), matrix(E, E), matrix(E, E), matrix(E, E), matrix(4*E, E), matrix(E, 4*E)
	gpt := func(tokens string) (logits []Vector) {
		tape = nil
		keys, values := [E][]Vector{}, [E][]Vector{} // of each head
		for t, token := range []byte(tokens) {
			x := rmsNorm(add(wte[strings.IndexByte(characters, token)], wpe[t]))
			n, y := rmsNorm(x), zeros(E)
			q, k, v := linear(wq, n), linear(wk, n), linear(wv, n)
			for h := 0; h < E; h += D {
				keys[h], values[h] = append(keys[h], k.part(h, h+D)), append(values[h], v.part(h, h+D))
				attention(y.part(h, h+D), q.part(h, h+D), keys[h], values[h])
			}
			x = add(x, linear(wo, y))
			x = add(x, linear(fc2, relu(linear(fc1, rmsNorm(x)))))
			logits = append(logits, linear(head, x))
		}
		return logits
	}

	for step := 0; step < steps; step++ {
		text, loss := "\n"+names[step%len(names)]+"\n", 0.0
		n := math.Min(float64(len(text)-1), context)
		for t, logits := range gpt(text[:int(n)]) {
			target, p := strings.IndexByte(characters, text[t+1]), softmax(logits.data, 1)
			loss -= math.Log(p[target]) / n
			addScaled(logits.grad, 1/n, p)
			logits.grad[target] -= 1 / n
		}
		for i := len(tape) - 1; i >= 0; i-- {
			tape[i]()
		}
		lr, t := 0.01*(1-float64(step)/float64(steps)), float64(step+1)
		scale1, scale2 := 1-math.Pow(0.85, t), 1-math.Pow(0.99, t)
		for i, g := range parameters.grad {
			m[i] = 0.85*m[i] + (1-0.85)*g
			v[i] = 0.99*v[i] + (1-0.99)*g*g
			parameters.data[i] -= lr * m[i] / scale1 / (math.Sqrt(v[i]/scale2) + 1e-8)
			parameters.grad[i] = 0
		}
		fmt.Printf("step %4d / %4d | loss %.4f\n", step+1, steps, loss)
	}
	for n := 0; n < 20; n++ {
		text := "\n"
		for len(text) <= context && !strings.HasSuffix(text[1:], "\n") {
			logits := gpt(text)[len(text)-1]
			text += characters[choice(softmax(logits.data, 0.5)):][:1] // temperature 0.5
		}
		fmt.Println(strings.TrimSpace(text))
	}
}
