// What the worked example shows, one step after the other: what each is about, and the tensors that it takes and gives.
const STAGES = [
  { title: "the batch", about: "Every window of the name is one row: three characters to read, and the one that came. Below is all that becomes of it: forward to the probabilities, and the gradients back.", shows: ["emb", "h_pre", "h", "logits", "probs", "dlogits", "dh", "dh_pre", "demb"] },
  { title: "embedding", op: "embedding", about: "Each token picks its row of <b>wte</b>; the three rows of a window stand side by side.", shows: ["wte", "emb"] },
  { title: "linear, fc1", op: "linear", about: "Each of the hidden units takes a weighted sum of all of <b>emb</b>, plus its bias.", shows: ["emb", "fc1.weight", "fc1.bias", "h_pre"] },
  { title: "tanh", op: "tanh", about: "Each sum is squashed into (−1, 1): what was large is now nearly ±1, and will hardly learn.", shows: ["h_pre", "h"] },
  { title: "linear, fc2", op: "linear", about: "Each character's logit is a weighted sum of the hidden units, plus its bias.", shows: ["h", "fc2.weight", "fc2.bias", "logits"] },
  { title: "cross-entropy", op: "cross_entropy", about: "A softmax turns logits into probabilities; the loss is how little of it went to what came, in nats.", shows: ["logits", "probs", "loss"] },
  { title: "cross-entropy, back", op: "cross_entropy", back: true, about: "The gradient by each logit is its probability, less one where the character came, over the rows of the batch: too much is pushed down, too little up.", shows: ["probs", "dlogits"] },
  { title: "linear fc2, back", op: "linear", back: true, about: "One gradient goes on to the hidden units; the other two say how the weights and biases should change.", shows: ["dlogits", "dh", "dfc2.weight", "dfc2.bias"] },
  { title: "tanh, back", op: "tanh", back: true, about: "Where tanh is flat, at ±1, the gradient is all but gone: it passes times 1 − h².", shows: ["dh", "h", "dh_pre"] },
  { title: "linear fc1, back", op: "linear", back: true, about: "As before, one layer down.", shows: ["dh_pre", "demb", "dfc1.weight", "dfc1.bias"] },
  { title: "embedding, back", op: "embedding", back: true, about: "Each position's gradient is added to the row of its token: a character that the batch does not hold learns nothing.", shows: ["demb", "dwte"] },
  { title: "a step", op: "sgd", back: true, about: "Every weight moves a little against its gradient, at a learning rate of 0.5, and the same batch is asked again.", shows: [], step: 0.5 },
];
