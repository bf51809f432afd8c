// What the walks through a GPT show, one step after the other, as stages.js has it for the MLP.
function gptStages(n_layer) {
  const block = (layer) => {
    const at = `blocks.${layer}.`, of = `block ${layer + 1}`;
    return [
      { title: `${of}, norm`, op: "layer_norm", about: "Each position gets mean 0 and variance 1, then a scale and a shift for each column.", shows: [`${at}x`, `${at}h1`] },
      { title: `${of}, attention`, op: "attention", about: "Each position has a query, a key and a value: the three thirds of <b>qkv</b>. Where a query fits a key well, the weight is large. In each head, <b>y</b> is the sum of the values, each times its weight.", shows: [`${at}qkv`, `${at}probs`, `${at}y`] },
      { title: `${of}, feed-forward`, op: "relu", about: "What attention found is added to <b>x</b>, and normalised again. Then each position computes for itself: a linear layer four times as wide, a ReLU, and a linear layer back, which is added too.", shows: [`${at}x_mid`, `${at}h2`, `${at}a_pre`, `${at}a`] },
    ];
  };
  const layers = [...Array(n_layer).keys()];
  return [
    { title: "attention weights", about: "Each row is a position of the text, and each column a position that it looks at: itself, or one before it. A row's weights add up to 1. Every head of every block has learned its own way to look.", shows: layers.map((layer) => `blocks.${layer}.probs`) },
    { title: "embedding", op: "embedding", about: "Each token selects its row of <b>wte</b>, and each position its row of <b>wpe</b>. Their sum is <b>x</b>, to which every block adds something.", shows: ["wte.weight", "wpe.weight", "blocks.0.x"] },
    ...layers.flatMap(block),
    { title: "norm and head", op: "linear", about: "After the last block, each position is normalised once more. Each character's logit is a weighted sum of it, plus a bias.", shows: ["x", "h", "head.weight", "logits"] },
    { title: "softmax", about: "A softmax of the logits, divided by the temperature, gives the probabilities. Below 1 the likely characters become likelier; above 1 all become more alike.", shows: ["logits", "probs"] },
  ];
}
