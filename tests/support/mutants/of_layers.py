"""Mutants of the layers: what they keep, which way they go, and in which mode."""

from .mutant import mutant

LAYERS, LAYER = "backend/layers.py", "backend/layer.py"
DOC_TORCH = "__doc__ = layers.Residual.__doc__"
HOW = "p, b, how = self._p, self._b, (self.training, self.momentum, self.eps"  # torch also says by which arithmetic
ALWAYS = HOW.replace("self.training", "True")

MUTANTS = (
    mutant(
        "skip_dropped_in_backward",
        "the gradient goes back through the residual's layer, and not past it",
        "layers",
        common=(LAYERS, "return dy + self.layer._backward(dy)", "return self.layer._backward(dy)"),
        torch=(
            "layers.py",
            DOC_TORCH,
            f"{DOC_TORCH}\n\n    def forward(self, x):\n        return x.detach() + self.layer.forward(x)",
        ),
    ),
    mutant(
        "skip_dropped",
        "a residual gives what its layer gives, without x",
        "layers",
        common=(LAYERS, "        return x + y", "        return y"),
    ),
    mutant(
        "flatten_channel_by_channel",
        "the positions lie side by side with all of the first channel first",
        "layers",
        common=(
            LAYERS,
            "x.reshape(B, n * C) if n == T",
            "x.swapaxes(1, 2).reshape(B, n * C) if n == T",
        ),
    ),
    mutant(
        "flatten_fuses_far_positions",
        "Flatten(n) puts position 0 beside T/n, not beside 1",
        "layers",
        common=(
            LAYERS,
            "x.reshape(B, T // n, n * C)",
            "x.reshape(B, n, T // n, C).swapaxes(1, 2).reshape(B, T // n, n * C)",
        ),
    ),
    mutant(
        "flatten_gradient_in_another_order",
        "the gradient of the positions comes back last position first",
        "layers",
        common=(LAYERS, "return dy.reshape(self._shape)", "return dy.reshape(self._shape)[:, ::-1]"),
    ),
    mutant(
        "batch_norm_layer_evaluates_by_the_batch",
        "in evaluation, too, the batch's own mean and variance are taken",
        "layers",
        common=(LAYERS, HOW, ALWAYS),
    ),
    mutant(
        "batch_norm_layer_always_goes_back_as_in_training",
        "in evaluation dx still leaves out what each x would do to the batch's statistics",
        "layers",
        common=(LAYERS, "if not was_training:", "if False:"),
    ),
    mutant(
        "batch_norm_layer_keeps_no_variance",
        "running_var stays as it began",
        "layers",
        common=(
            LAYERS,
            'b["running_mean"][...], b["running_var"][...] = new_mean, new_var',
            'b["running_mean"][...] = new_mean',
        ),
    ),
    mutant(
        "batch_norm_layer_ignores_its_momentum",
        "momentum is 0.1 whatever was asked for",
        "layers",
        common=(LAYERS, HOW, HOW.replace("self.momentum", "0.1")),
    ),
    mutant(
        "eval_stops_at_the_first_layer",
        "the layers inside others stay in training",
        "layers",
        common=("backend/layer.py", "            child.train(mode)\n", "            child.train(child.training)\n"),
    ),
    mutant(
        "layer_keeps_the_caller_s_array",
        "x is not copied: whoever fills the same array again changes the gradient",
        "layers",
        common=(
            LAYER,
            'self.forward(np.array(self.accepted(x), order="C"))',
            "self.forward(np.asarray(self.accepted(x)))",
        ),
    ),
    mutant(
        "layer_adds_up_its_gradients",
        "a second backward adds to the gradients of the first",
        "layers",
        common=(
            LAYERS,
            'self._d = {"weight": dw, "bias": db} if "bias" in self._p else {"weight": dw}',
            'dw += self._d.get("weight", 0)\n'
            '        self._d = {"weight": dw, "bias": db} if "bias" in self._p else {"weight": dw}',
        ),
    ),
)
