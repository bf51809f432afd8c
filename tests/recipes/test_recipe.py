import tomllib

import pytest

from nnz.backend import registry
from nnz.files.errors import UsageError
from nnz.recipes import from_recipe, recipe
from nnz.recipes.models import MODELS
from nnz.recipes.recipe import Recipe


def test_the_recipe_names_holds_the_published_settings():
    names = recipe.load("names")
    model, optimizer, train = names.model, names.optimizer, names.train
    assert (model.context_length, model.embedding_size, model.hidden_size, model.dtype) == (3, 48, 512, "float32")
    assert (optimizer.name, optimizer.lr, optimizer.weight_decay, optimizer.schedule) == ("adamw", 7e-4, 1e-4, "cosine")
    assert (train.batch_size, train.steps, train.eval_every, train.seed) == (128, 50_000, 200, 1337)
    assert (names.data.name, names.data.windows, names.sample.count, names.sample.seed) == ("names", "stream", 20, 42)


def test_every_recipe_of_the_package_can_be_loaded_by_name():
    assert "names" in recipe.known()
    assert [recipe.load(name).name for name in recipe.known()] == list(recipe.known())


def test_what_to_toml_writes_is_read_back_as_the_same_recipe():
    changed = Recipe("mine").override("data.name", "a 'quoted' \\ name.txt").override("train.seed", 2**64 - 1)
    assert recipe.loads(changed.to_toml(), "mine") == changed


def test_to_toml_writes_out_every_setting_that_the_model_has():
    keys = {}
    for kind in MODELS:
        chosen = Recipe().override("train.backend", "c").override("train.init", "runs/a")  # empty ones are left out
        written = tomllib.loads(chosen.override("model.kind", kind).to_toml())
        keys[kind] = {f"{section}.{key}" for section, table in written.items() for key in table}
    assert set.union(*keys.values()) == {f"{section}.{key}" for section, key, _ in Recipe().items()}
    common = set.intersection(*keys.values())
    assert keys["bigram"] == common
    assert keys["mlp"] - keys["bigram"] == {"model.embedding_size", "model.hidden_size"}
    assert keys["residual"] - keys["mlp"] == {"model.hidden_layers", "model.skips", "model.batch_norm"}
    assert {"model.n_head", "optimizer.clip", "train.autocast"} < keys["gpt"] - common


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [("mlp", "model.smoothing", 2.0), ("mlp", "model.hidden_layers", 3), ("bigram", "model.hidden_size", 9)],
)
def test_a_setting_of_another_model_is_refused(kind, key, value):
    changed = Recipe().override("model.kind", kind).override("model.context_length", 1).override(key, value)
    with pytest.raises(UsageError, match=f"^{key} means nothing to {kind}; leave it out$"):
        from_recipe.model(registry.load("numpy"), changed, vocab_size=5)


def test_a_file_keeps_the_defaults_of_what_it_leaves_out(tmp_path):
    (tmp_path / "mine.toml").write_text("[model]\nhidden_size = 64\n")
    mine = recipe.load(str(tmp_path / "mine.toml"))
    assert mine == Recipe("mine").override("model.hidden_size", 64)


def test_override_leaves_the_recipe_it_came_from_as_it_was():
    before = Recipe()
    assert before.override("train.steps", 3).train.steps == 3
    assert before == Recipe()


def test_an_integer_stands_for_a_number_and_becomes_one():
    lr = Recipe().override("optimizer.lr", 1).optimizer.lr
    assert lr == 1.0
    assert isinstance(lr, float)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("3", 3),
        ("1e-3", 1e-3),
        ("true", True),
        ("sgd", "sgd"),
        ('"3"', "3"),
        ("[1, 2]", [1, 2]),
        ("", ""),
        ("a b", "a b"),
        ("007", 7),
        (".5", 0.5),
        *((word, word) for word in ("5_0", "0x5", "+5", "1_0.5", "٥")),
    ],
)
def test_a_word_of_set_is_a_toml_value_or_else_text(word, value):
    key, parsed = recipe.assignment(f" a.b ={word}")
    assert key == "a.b"
    assert parsed == value
    assert type(parsed) is type(value)


BAD_SETTINGS = [
    ("train.steps", 0, "an integer from 1"),
    ("train.steps", "many", "an integer from 1"),
    ("train.steps", True, "an integer from 1"),
    ("train.steps", 2.0, "an integer from 1"),
    ("train.seed", 0, "an integer from 1"),
    ("train.seed", 2**64, "an integer from 1"),
    ("optimizer.lr", 0, "a number above 0"),
    ("optimizer.lr", float("nan"), "a number above 0"),
    ("optimizer.lr", 0x10**400, "a number above 0"),
    ("optimizer.weight_decay", -1e-9, "a number of at least 0"),
    ("optimizer.name", "adam", "did you mean 'adamw'?"),
    ("model.dtype", "float16", "float32"),
    ("model.dtype", ["float32"], "float32"),
    ("model.hidden_size", 2**31, "an integer from 1"),
    ("data.name", "", "a text file or a folder"),
    ("data.windows", "Stream", "did you mean 'stream'?"),
    ("data.fractions", [0.5, 0.4], "add up to 1"),
    ("data.fractions", [0.8, 0.1, 0.2], "add up to 1"),
    ("data.fractions", [1.1, -0.05, -0.05], "add up to 1"),
    ("data.fractions", 0.9, "add up to 1"),
    ("sample.new", 1, "true or false"),
    ("sample.temperature", -1, "a number of at least 0"),
    ("train.backend", "num-py", "numpy"),
    ("train.steps", 2**99_999, "too long to show is not allowed; it takes an integer from 1"),
]


@pytest.mark.parametrize(("key", "value", "allowed"), BAD_SETTINGS, ids=range(len(BAD_SETTINGS)))
def test_a_value_that_is_not_allowed_is_named_with_what_is(key, value, allowed):
    with pytest.raises(UsageError) as error:
        Recipe().override(key, value)
    message = str(error.value)
    assert message.startswith(f"{key} = ")
    assert allowed in message
    assert "\n" not in message
    assert len(message) < 250


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("train.stesp", "unknown key 'train.stesp'; did you mean 'steps'?"),
        ("trian.steps", "unknown section 'trian'; did you mean 'train'?"),
        ("steps", "unknown section 'steps'"),
        ("train", "unknown key 'train.'"),
        ("name.x", "unknown section 'name'"),
    ],
)
def test_an_unknown_name_is_met_with_the_nearest_known_one(key, hint):
    with pytest.raises(UsageError) as error:
        Recipe().override(key, 1)
    assert str(error.value).startswith(hint)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[train", "not TOML"),
        ("steps = 3", "outside a section"),
        ("[trian]", "unknown section 'trian'; did you mean 'train'?"),
        ("[train]\nstep = 3", "unknown key 'train.step'; did you mean 'steps'?"),
        ("[train]\nsteps = -3", "train.steps = -3 is not allowed"),
        ("[train]\n[train.steps]\nx = 1", "train.steps = {'x': 1} is not allowed"),
        ("x = " + "[" * 50_000, "not TOML"),
        ("x = " + "9" * 5_000, "not TOML"),
        ("x = 0x" + "f" * 5_000, "x = a number too long to show is outside a section"),
        (f"x = [{'[],' * 500}]", "x = [[], [], [], [], [], [], ...] is outside a section"),
        ("x = [" + "[]," * 22_000 + "]", "longer than 65,536 characters"),
    ],
    ids=range(10 + 1),
)
def test_a_file_that_is_no_recipe_says_why(tmp_path, toml, message):
    (tmp_path / "bad.toml").write_text(toml)
    with pytest.raises(UsageError, match=r"^[^\n]*$") as error:
        recipe.load(str(tmp_path / "bad.toml"))
    assert message in str(error.value)


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    (tmp_path / "bad.toml").write_bytes(b"[data]\nname = '\xff'\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        recipe.load(str(tmp_path / "bad.toml"))


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(UsageError, match="did you mean 'names'"):
        recipe.load("nmaes")
    with pytest.raises(UsageError, match=r"there is no recipe file 'nowhere\.toml'; known: bigram, "):
        recipe.load("nowhere.toml")
