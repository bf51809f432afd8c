// What the worked example shows, one step after the other: what each is about, and the tensors that it takes and gives.
const STAGES = [
  { title: "the batch", about: "Every window of the name is one row: three characters, and the next one. Below are all tensors that the model makes of them: forward to the probabilities, and the gradients back.", shows: ["emb", "h_pre", "h", "logits", "probs", "dlogits", "dh", "dh_pre", "demb"] },
  { title: "embedding", op: "embedding", about: "Each token selects its row of <b>wte</b>; the three rows of a window are put side by side.", shows: ["wte", "emb"] },
  { title: "linear, fc1", op: "linear", about: "Each hidden unit is a weighted sum of all of <b>emb</b>, plus its bias.", shows: ["emb", "fc1.weight", "fc1.bias", "h_pre"] },
  { title: "tanh", op: "tanh", about: "Each sum is mapped into (−1, 1). A large sum is now nearly ±1 and hardly learns.", shows: ["h_pre", "h"] },
  { title: "linear, fc2", op: "linear", about: "Each character's logit is a weighted sum of the hidden units, plus its bias.", shows: ["h", "fc2.weight", "fc2.bias", "logits"] },
  { title: "cross-entropy", op: "cross_entropy", about: "A softmax turns logits into probabilities. The loss is minus the logarithm of the probability of the right character, in nats.", shows: ["logits", "probs", "loss"] },
  { title: "cross-entropy, back", op: "cross_entropy", back: true, about: "The gradient of each logit is its probability, minus 1 for the right character, divided by the number of rows. The step lowers the logits that are too high and raises the right one.", shows: ["probs", "dlogits"] },
  { title: "linear fc2, back", op: "linear", back: true, about: "One gradient goes on to the hidden units; the other two say how the weights and biases should change.", shows: ["dlogits", "dh", "dfc2.weight", "dfc2.bias"] },
  { title: "tanh, back", op: "tanh", back: true, about: "The gradient is multiplied by 1 − h². Near ±1, where tanh is flat, almost nothing is left.", shows: ["dh", "h", "dh_pre"] },
  { title: "linear fc1, back", op: "linear", back: true, about: "As before, one layer down.", shows: ["dh_pre", "demb", "dfc1.weight", "dfc1.bias"] },
  { title: "embedding, back", op: "embedding", back: true, about: "Each position's gradient is added to the row of its token: a character that is not in the batch learns nothing.", shows: ["demb", "dwte"] },
  { title: "a step", op: "sgd", back: true, about: "Every weight moves a little against its gradient, at a learning rate of 0.5, and the model computes the same batch again.", shows: [], step: 0.5 },
];
