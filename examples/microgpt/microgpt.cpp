// microgpt in C++20: c++ -std=c++20 -O2 microgpt.cpp -o microgpt && ./microgpt NAMES [STEPS]
// A GPT of one layer learns names, one a step, and then makes twenty new ones.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <functional>
#include <numbers>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

constexpr std::size_t CONTEXT = 16, E = 16, D = 4;  // a token is E numbers, and each head has D of them

// ---------------------------------------------------------------- random numbers
// CPython's generator is std::mt19937; only the 624 words with which it begins are made from the seed in another way.
struct PythonSeed {
    using result_type = std::uint32_t;
    result_type seed;

    template <class Words>
    void generate(Words x, Words) const {
        auto mixed = [&](int i, result_type factor) { return (x[i - 1] ^ (x[i - 1] >> 30)) * factor; };
        x[0] = 19650218;
        for (int i = 1; i < 624; i++) x[i] = mixed(i, 1812433253) + i;
        for (int n = 0; n < 624 + 623; n++) {
            int i = n % 623 + 1;
            x[i] = n < 624 ? (x[i] ^ mixed(i, 1664525)) + seed : (x[i] ^ mixed(i, 1566083941)) - i;
            x[0] = x[623];
        }
        x[0] = 0x80000000;
    }
};

struct Random {
    std::mt19937 words;
    std::optional<double> spare;  // gauss makes two numbers at a time

    explicit Random(std::uint32_t seed) {
        PythonSeed sequence{seed};
        words.seed(sequence);
    }

    std::uint32_t bits(int n) { return words() >> (32 - n); }

    double random() {  // in [0, 1), a multiple of 2^-53
        double high = bits(27), low = bits(26);
        return std::ldexp(std::ldexp(high, 26) + low, -53);
    }

    void shuffle(std::vector<std::string> &items) {
        for (std::size_t i = items.size() - 1; i > 0; i--) {
            std::size_t j = items.size();
            while (j > i) j = bits(std::bit_width(i + 1));
            std::swap(items[i], items[j]);
        }
    }

    double gauss(double mean, double std) {
        if (spare)
            return mean + *std::exchange(spare, {}) * std;
        double angle = 2 * std::numbers::pi * random(), radius = std::sqrt(-2 * std::log(1 - random()));
        spare = std::sin(angle) * radius;
        return mean + std::cos(angle) * radius * std;
    }

    std::size_t choice(std::vector<double> weights) {  // an index, as random.choices finds it
        std::partial_sum(weights.begin(), weights.end(), weights.begin());
        double point = random() * weights.back();
        return std::upper_bound(weights.begin(), weights.end() - 1, point) - weights.begin();
    }
};

// ---------------------------------------------------------------- operations, each with its backward
using Span = std::span<double>;
// A vector has numbers and their gradient, to which each use of the vector adds. It does not own them.
struct Vector {
    Span data, grad;
    Vector part(std::size_t i, std::size_t size) const { return {data.subspan(i, size), grad.subspan(i, size)}; }
};
using Matrix = std::vector<Vector>;  // its rows

std::vector<std::vector<double>> memory;  // what the vectors of one step have
std::vector<std::function<void()>> tape;  // each operation puts its backward here, in the order of the forward

Vector zeros(std::size_t size) {
    Span both = memory.emplace_back(2 * size);
    return {both.first(size), both.last(size)};
}

double dot(Span a, Span b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

void add_scaled(Span y, double a, Span x) {  // y += a x
    for (std::size_t i = 0; i < x.size(); i++) y[i] += a * x[i];
}

Vector linear(const Matrix &w, Vector x) {  // y = w x: (M, N) @ (N,) -> (M,)
    Vector y = zeros(w.size());
    for (std::size_t i = 0; i < w.size(); i++) y.data[i] = dot(w[i].data, x.data);
    tape.push_back([=] {
        for (std::size_t i = 0; i < w.size(); i++) {
            add_scaled(x.grad, y.grad[i], w[i].data);
            add_scaled(w[i].grad, y.grad[i], x.data);
        }
    });
    return y;
}

Vector combine(Vector y, const std::vector<double> &a, const Matrix &xs) {  // y = sum of a[i] xs[i], the a constant
    for (std::size_t i = 0; i < a.size(); i++) add_scaled(y.data, a[i], xs[i].data);
    tape.push_back([=] {
        for (std::size_t i = 0; i < a.size(); i++) add_scaled(xs[i].grad, a[i], y.grad);
    });
    return y;
}

Vector add(Vector a, Vector b) { return combine(zeros(E), {1, 1}, {a, b}); }

Vector rms_norm(Vector x) {  // y = x / sqrt(mean(x^2) + 1e-5)
    double scale = 1 / std::sqrt(dot(x.data, x.data) / E + 1e-5);
    Vector y = combine(zeros(E), {scale}, {x});
    tape.push_back([=] { add_scaled(x.grad, -scale * dot(y.data, y.grad) / E, y.data); });  // for x is in the scale too
    return y;
}

Vector relu(Vector x) {
    Vector y = zeros(x.data.size());
    std::ranges::transform(x.data, y.data.begin(), [](double value) { return std::max(value, 0.0); });
    tape.push_back([=] {
        for (std::size_t i = 0; i < x.data.size(); i++) x.grad[i] += x.data[i] > 0 ? y.grad[i] : 0;
    });
    return y;
}

std::vector<double> softmax(Span z, double temperature = 1) {
    std::vector<double> p(z.size());
    double largest = std::ranges::max(z);
    std::ranges::transform(z, p.begin(), [=](double value) { return std::exp((value - largest) / temperature); });
    double sum = std::accumulate(p.begin(), p.end(), 0.0);
    for (double &value : p) value /= sum;
    return p;
}

void attention(Vector y, Vector q, const Matrix &keys, const Matrix &values) {  // y += softmax(keys q / sqrt(D)) values
    Vector scores = linear(keys, q);
    std::vector<double> p = softmax(scores.data, std::sqrt(D));
    combine(y, p, values);
    tape.push_back([=] {  // for p is not constant
        for (std::size_t t = 0; t < p.size(); t++)
            scores.grad[t] = p[t] * (dot(y.grad, values[t].data) - dot(y.grad, y.data)) / std::sqrt(D);
    });
}

// ---------------------------------------------------------------- the model
struct Gpt {
    std::string characters;                          // the last one begins and ends a name
    std::vector<double> data, grad, mean, variance;  // of all parameters, in the order in which they are drawn
    Matrix wte, wpe, head, wq, wk, wv, wo, fc1, fc2;

    Gpt(const std::string &alphabet, Random &random) : characters(alphabet) {
        std::size_t V = characters.size();
        data.resize((V + CONTEXT + V + 12 * E) * E);
        grad = mean = variance = data;
        std::ranges::generate(data, [&] { return random.gauss(0, 0.08); });
        std::size_t row = 0;
        auto draw = [&](Matrix &w, std::size_t rows, std::size_t columns) {
            for (; rows > 0; rows--, row += columns) w.push_back(Vector{data, grad}.part(row, columns));
        };
        draw(wte, V, E), draw(wpe, CONTEXT, E), draw(head, V, E);
        draw(wq, E, E), draw(wk, E, E), draw(wv, E, E), draw(wo, E, E);
        draw(fc1, 4 * E, E), draw(fc2, E, 4 * E);
    }

    Matrix forward(const std::string &text) {  // the logits after each character
        tape.clear();
        memory.clear();
        Matrix logits, keys[E / D], values[E / D];
        for (std::size_t t = 0; t < text.size(); t++) {
            Vector x = rms_norm(add(wte[characters.find(text[t])], wpe[t])), n = rms_norm(x), y = zeros(E);
            Vector q = linear(wq, n), k = linear(wk, n), v = linear(wv, n);
            for (std::size_t h = 0; h < E / D; h++) {
                keys[h].push_back(k.part(h * D, D));
                values[h].push_back(v.part(h * D, D));
                attention(y.part(h * D, D), q.part(h * D, D), keys[h], values[h]);
            }
            x = add(x, linear(wo, y));
            x = add(x, linear(fc2, relu(linear(fc1, rms_norm(x)))));
            logits.push_back(linear(head, x));
        }
        return logits;
    }

    double train(const std::string &text, int t, double lr) {  // a step of Adam; returns the loss before it
        Matrix logits = forward(text.substr(0, text.size() - 1));
        double n = logits.size(), loss = 0;
        for (std::size_t i = 0; i < logits.size(); i++) {
            std::size_t target = characters.find(text[i + 1]);
            std::vector<double> p = softmax(logits[i].data);
            loss -= std::log(p[target]) / n;
            add_scaled(logits[i].grad, 1 / n, p);
            logits[i].grad[target] -= 1 / n;
        }
        std::for_each(tape.rbegin(), tape.rend(), [](auto &backward) { backward(); });
        double beta1 = 0.85, beta2 = 0.99, scale1 = 1 - std::pow(beta1, t), scale2 = 1 - std::pow(beta2, t);
        for (std::size_t i = 0; i < data.size(); i++) {
            mean[i] = beta1 * mean[i] + (1 - beta1) * grad[i];
            variance[i] = beta2 * variance[i] + (1 - beta2) * grad[i] * grad[i];
            data[i] -= lr * (mean[i] / scale1) / (std::sqrt(variance[i] / scale2) + 1e-8);
        }
        std::ranges::fill(grad, 0);
        return loss;
    }
};

// ---------------------------------------------------------------- train, then make names
int main(int argc, char **argv) {
    std::ifstream file(argc > 1 ? argv[1] : "");
    std::vector<std::string> names;
    for (std::string name; file >> name;) names.push_back(name);
    int steps = argc > 2 ? std::atoi(argv[2]) : 1000;
    if (names.empty() || steps < 1) {
        std::fprintf(stderr, "usage: microgpt NAMES [STEPS]   NAMES: a file with a name a line; STEPS: 1 or more\n");
        return 2;
    }
    std::set<unsigned char> letters;
    for (const std::string &name : names) letters.insert(name.begin(), name.end());
    Random random(42);
    random.shuffle(names);
    Gpt gpt(std::string(letters.begin(), letters.end()) + '\n', random);
    for (int step = 0; step < steps; step++) {
        std::string text = ('\n' + names[step % names.size()] + '\n').substr(0, CONTEXT + 1);
        double loss = gpt.train(text, step + 1, 0.01 * (1 - double(step) / steps));
        std::printf("step %4d / %4d | loss %.4f\n", step + 1, steps, loss);
    }

    for (int n = 0; n < 20; n++) {
        std::string text = "\n";
        do text += gpt.characters[random.choice(softmax(gpt.forward(text).back().data, 0.5))];  // temperature 0.5
        while (text.back() != '\n' && text.size() <= CONTEXT);
        std::puts(text.substr(1, text.find('\n', 1) - 1).c_str());
    }
}
