"""What is refused: every row with its exception and its exact text, the same from every backend."""

import numpy as np
import pytest

import nnz
from nnz.backend import registry

each_backend = pytest.mark.parametrize("backend", registry.names())

OK = np.array([[1, 2, 3], [4, 5, 6]])
RNG = nnz.RNG(1)


def model(nn):
    return nn.MLP(vocab_size=11, context_length=3, embedding_size=5, hidden_size=7, rng=nnz.RNG(1))


def mlp(**changed):
    settings = {"vocab_size": 11, "context_length": 3, "embedding_size": 5, "hidden_size": 7, "rng": RNG} | changed
    return lambda nn: nn.MLP(**settings)


def forward(inputs, targets=None):
    return lambda nn: model(nn)(inputs, targets)


def adamw(**settings):
    return lambda nn: nn.AdamW(model(nn).parameters(), **settings)


def step_with(change):
    def call(nn):
        trained = model(nn)
        trained(OK, np.array([1, 2]))
        optimizer, grads = nn.AdamW(trained.parameters()), dict(trained.backward())
        optimizer.step(change(grads))

    return call


def arrays(nn):
    return dict(model(nn).parameters())


def loading(dtype):
    return lambda nn: model(nn).load_parameters(arrays(nn) | {"wte": np.ones((11, 5)).astype(dtype)})


def rate(lr):
    def call(nn):
        nn.SGD(arrays(nn)).lr = lr

    return call


def loading_state(state, t):
    def call(nn):
        optimizer = nn.AdamW(arrays(nn))
        optimizer.load_state(optimizer.state() if state is None else state, t)

    return call


def op(name, *arguments):
    return lambda nn: getattr(nn.ops, name)(*arguments)


f32, f64 = np.float32, np.float64
GREAT = f"1{'0' * 17}...{'0' * 19}"  # as an error shows 10**400
X, W = np.ones((4, 5), f32), np.ones((3, 5), f32)

# what is done, the exception, its whole text
ROWS = [
    (mlp(vocab_size=0), ValueError, "vocab_size must be at least 1; got 0"),
    (mlp(context_length=-3), ValueError, "context_length must be at least 1; got -3"),
    (mlp(embedding_size=2.5), TypeError, "embedding_size must be an integer, not float"),
    (mlp(hidden_size=True), TypeError, "hidden_size must be an integer, not bool"),
    (mlp(dtype="float16"), ValueError, "dtype must be float32 or float64; got 'float16'"),
    (mlp(rng=42), TypeError, "rng must be an nnz.RNG, such as nnz.RNG(1337); got int"),
    (mlp(device="tpu"), ValueError, None),  # its text names the devices of the machine
    (forward(OK[0]), ValueError, "inputs must have shape (B, 3); got (3,)"),
    (forward(OK[:, :2]), ValueError, "inputs must have shape (B, 3); got (2, 2)"),
    (forward(OK[:0]), ValueError, "inputs is an empty batch, shape (0, 3); give at least one row"),
    (forward(OK.astype(f32)), TypeError, "inputs must hold integers, not float32"),
    (forward(OK > 2), TypeError, "inputs must hold integers, not bool"),
    (forward([["a", "b", "c"]]), TypeError, "inputs must hold integers, not <U1"),
    (forward(OK - 2), ValueError, "inputs[0, 0] is -1; token ids run from 0 to 10"),
    (forward(OK + 5), ValueError, "inputs[1, 2] is 11; token ids run from 0 to 10"),
    (forward(OK + 2**40), ValueError, "inputs[0, 0] is 1099511627777; token ids run from 0 to 10"),
    (forward(OK, [1]), ValueError, "targets must have shape (2,); got (1,)"),
    (forward(OK, [[1], [2]]), ValueError, "targets must have shape (2,); got (2, 1)"),
    (forward(OK, [1, 11]), ValueError, "targets[1] is 11; token ids run from 0 to 10"),
    (forward(OK, [0.5, 1.0]), TypeError, "targets must hold integers, not float64"),
    (
        lambda nn: model(nn).backward(),
        RuntimeError,
        "backward needs a forward with targets first: call model(inputs, targets)",
    ),
    (adamw(lr=-1.0), ValueError, "lr must be finite and at least 0; got -1.0"),
    (adamw(lr="fast"), TypeError, "lr must be a number, not str"),
    (adamw(lr=float("nan")), ValueError, "lr must be finite and at least 0; got nan"),
    (mlp(vocab_size=2**62), ValueError, "vocab_size must be at most 2147483647; got 4611686018427387904"),
    (mlp(hidden_size=10**400), ValueError, f"hidden_size must be at most 2147483647; got {GREAT}"),
    (mlp(hidden_size=10**5000), ValueError, "hidden_size must be at most 2147483647; got a number too long to show"),
    (
        mlp(vocab_size=2**31 - 1, embedding_size=2**31 - 1),
        MemoryError,
        "no memory for more than 2**48 numbers at a time",
    ),
    (lambda nn: nn.Linear(2**62, 3, rng=RNG), ValueError, f"in_features must be at most 2147483647; got {2**62}"),
    (lambda nn: nn.BatchNorm1d(2**31), ValueError, "num_features must be at most 2147483647; got 2147483648"),
    (lambda nn: nn.set_threads(2**31), ValueError, "threads must be at most 1024; got 2147483648"),
    (lambda nn: nn.set_threads(99999999), ValueError, "threads must be at most 1024; got 99999999"),
    (adamw(lr=10**400), ValueError, f"lr must be finite and at least 0; got {GREAT}"),
    (adamw(eps=10**5000), ValueError, "eps must be finite and at least 0; got a number too long to show"),
    (rate(10**400), ValueError, f"lr must be finite and at least 0; got {GREAT}"),
    (loading_state(None, 2**62), ValueError, f"t must be at most 2147483647; got {2**62}"),
    (
        op("sgd_step", W, W, 10**400, 0.0),
        ValueError,
        f"sgd_step: lr must be finite and at least 0; got {GREAT}",
    ),
    (
        op("adamw_step", W, W, W, W, 1, 1e-3, 0.9, 1.0, 1e-8, 0.0),
        ValueError,
        "adamw_step: beta2 must be below 1; got 1.0",
    ),
    (adamw(betas=(0.9, 1.0)), ValueError, "beta2 must be below 1; got 1.0"),
    (adamw(betas=0.9), TypeError, "betas must be a pair of numbers (beta1, beta2); got 0.9"),
    (adamw(eps=-1e-8), ValueError, "eps must be finite and at least 0; got -1e-08"),
    (adamw(weight_decay=float("inf")), ValueError, "weight_decay must be finite and at least 0; got inf"),
    (
        step_with(lambda g: {name: a for name, a in g.items() if name != "wte"}),
        ValueError,
        "grads lacks 'wte'; it needs wte, fc1.weight, fc1.bias, fc2.weight, fc2.bias",
    ),
    (
        step_with(lambda g: g | {"fc3.bias": g["fc2.bias"]}),
        ValueError,
        "grads holds 'fc3.bias', which is not one of wte, fc1.weight, fc1.bias, fc2.weight, fc2.bias",
    ),
    (
        step_with(lambda g: g | {"fc1.bias": g["fc2.bias"]}),
        ValueError,
        "grads['fc1.bias'] must have shape (7,); got (11,)",
    ),
    (
        step_with(lambda g: g | {"fc1.bias": g["fc1.bias"].astype(f64)}),
        ValueError,
        "grads['fc1.bias'] must be float32, not float64",
    ),
    (step_with(lambda g: list(g.values())), TypeError, "grads must be a dict of arrays by name; got list"),
    (
        lambda nn: model(nn).load_parameters({}),
        ValueError,
        "parameters lacks 'wte'; it needs wte, fc1.weight, fc1.bias, fc2.weight, fc2.bias",
    ),
    (
        lambda nn: nn.SGD({"w": np.frombuffer(bytes(32), f32)}),
        ValueError,
        "parameters['w'] is written in place, so it must be C-contiguous, aligned and writeable",
    ),
    (
        lambda nn: nn.AdamW({"w": np.ones((4, 4), f32)[:, ::2]}),
        ValueError,
        "parameters['w'] is written in place, so it must be C-contiguous, aligned and writeable",
    ),
    (
        lambda nn: nn.AdamW({"w": np.ones(4, np.int64)}),
        TypeError,
        "parameters['w'] must be float32 or float64, not int64",
    ),
    (
        lambda nn: nn.AdamW({"w": np.frombuffer(bytearray(33), f32, 8, offset=1)}),
        ValueError,
        "parameters['w'] is written in place, so it must be C-contiguous, aligned and writeable",
    ),
    (
        lambda nn: nn.AdamW({"w": np.ones(4, ">f4")}),
        TypeError,
        "parameters['w'] must be float32 or float64, not >f4",
    ),
    (loading(complex), TypeError, "parameters['wte'] must hold real numbers, not complex128"),
    (loading(bool), TypeError, "parameters['wte'] must hold real numbers, not bool"),
    (loading("U1"), TypeError, "parameters['wte'] must hold real numbers, not str32"),
    (loading(object), TypeError, "parameters['wte'] must hold real numbers, not object"),
    (
        lambda nn: model(nn).load_parameters([1.0]),
        TypeError,
        "parameters must be a dict of arrays by name; got list",
    ),
    (
        lambda nn: model(nn).load_parameters(arrays(nn) | {"wte": np.ones((5, 11), f32)}),
        ValueError,
        "parameters['wte'] must have shape (11, 5); got (5, 11)",
    ),
    (
        lambda nn: model(nn).load_parameters(arrays(nn) | {"wte": [[1.0]]}),
        TypeError,
        "parameters['wte'] must be an array, not list",
    ),
    (
        lambda nn: model(nn).load_buffers({"mean": X}),
        ValueError,
        "buffers holds 'mean', which has no place here",
    ),
    (rate(-1), ValueError, "lr must be finite and at least 0; got -1"),
    (rate(float("nan")), ValueError, "lr must be finite and at least 0; got nan"),
    (rate("fast"), TypeError, "lr must be a number, not str"),
    (rate(None), TypeError, "lr must be a number, not NoneType"),
    (
        loading_state({}, 1),
        ValueError,
        "optimizer state lacks 'm.wte'; it needs m.wte, m.fc1.weight, m.fc1.bias, m.fc2.weight, m.fc2.bias, "
        "v.wte, v.fc1.weight, v.fc1.bias, v.fc2.weight, v.fc2.bias",
    ),
    (loading_state(None, -1), ValueError, "t must be at least 0; got -1"),
    (loading_state(None, 1.5), TypeError, "t must be an integer, not float"),
    (
        step_with(lambda g: g | {"fc1.bias": g["fc1.bias"].astype(complex)}),
        ValueError,
        "grads['fc1.bias'] must be float32, not complex128",
    ),
    (lambda nn: nn.set_threads(1.5), TypeError, "threads must be an integer, not float"),
    (lambda nn: nn.Linear(0, 3, rng=RNG), ValueError, "in_features must be at least 1; got 0"),
    (lambda nn: nn.AdamW({"w": [1.0]}), TypeError, "parameters['w'] must be an array, not list"),
    (lambda nn: nn.AdamW([X]), TypeError, "parameters must be a dict of arrays by name; got list"),
    (lambda nn: nn.set_threads(0), ValueError, "threads must be at least 1; got 0"),
    (
        op("linear_forward", X, W.T, None),
        ValueError,
        "linear_forward: w must have shape (M,N) with N = 5; got (5, 3)",
    ),
    (
        op("linear_forward", X, W.astype(f64), None),
        ValueError,
        "linear_forward: all arrays must have one dtype; got x = float32, w = float64",
    ),
    (op("linear_forward", X, W), TypeError, "linear_forward takes (x, w, b); got 2 arguments"),
    (
        op("linear_forward", X[:0], W, None),
        ValueError,
        "linear_forward: x is empty, shape (0, 5); every size must be at least 1",
    ),
    (op("linear_forward", X.tolist(), W, None), TypeError, "linear_forward: x must be an array, not list"),
    (
        op("linear_forward", X.astype(np.int32), W, None),
        TypeError,
        "linear_forward: x must be float32 or float64, not int32",
    ),
    (
        op("embedding_forward", W, np.array([[0, 3]])),
        ValueError,
        "ids[0, 1] is 3; token ids run from 0 to 2",
    ),
    (
        op("cross_entropy_forward", X, np.array([0, 1, 2, 5])),
        ValueError,
        "targets[3] is 5; token ids run from 0 to 4",
    ),
    (
        op("tanh_backward", X, W),
        ValueError,
        "tanh_backward: y must have the shape (4, 5) of the others; got (3, 5)",
    ),
]


@each_backend
@pytest.mark.parametrize(("call", "kind", "text"), ROWS, ids=[text or "device" for _, _, text in ROWS])
def test_bad_input_is_refused_with_the_same_text_by_every_backend(backend, call, kind, text):
    with pytest.raises(kind) as refusal:
        call(registry.load(backend))
    assert type(refusal.value) is kind
    assert str(refusal.value) == text if text else "tpu" in str(refusal.value)
    assert "\n" not in str(refusal.value)


@each_backend
def test_a_refused_batch_leaves_the_model_as_it_was(backend):
    trained = model(registry.load(backend))
    _, loss = trained(OK, [1, 2])
    with pytest.raises(ValueError, match="token ids run"):
        trained(OK + 99, [1, 2])
    assert trained(OK, [1, 2])[1] == loss
