"""The three forms: what they learn, refuse, keep and read back."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend.errors import ConfigurationError, Conflict, InvalidInput, NotReady, WeightsMissing
from backend.ratings import frozen
from backend.ratings.backbone import TITLE_TOKENS, open_backbone, read_backbone
from backend.ratings.baseline import Baseline
from backend.ratings.corpus import Example
from backend.ratings.features import Features
from backend.ratings.fine_tuned import FineTuned, epochs_for
from backend.ratings.forms import new_model, read_model
from backend.ratings.frozen import FrozenMlp
from backend.ratings.measures import measure
from backend.ratings.models import FORMS, RatingModel, Step
from backend.ratings.reading import Reader, Reviews, parameter_groups
from backend.ratings.state import from_bytes, to_bytes
from tests.unit.rating_models import backbone, examples, features, photograph, save_backbone

TRAIN, VALIDATION, ASKED = examples(300, images=True), examples(60, seed=1, images=True), examples(40, seed=2)


def tuned(**options: object) -> FineTuned:
    return FineTuned(features(), backbone=backbone(), **{"epochs": 1, **options})  # type: ignore[arg-type]


MAKE: dict[str, Callable[[], RatingModel]] = {
    "baseline": Baseline,
    "frozen-mlp": lambda: FrozenMlp(features(), widths=(32, 16, 8), epochs=12),
    "fine-tuned": tuned,
}


@pytest.fixture(scope="module")
def fitted() -> dict[str, RatingModel]:
    models = {form: make() for form, make in MAKE.items()}
    for model in models.values():
        model.fit(TRAIN, VALIDATION)
    return models


@pytest.mark.parametrize("form", FORMS)
def test_probabilities_are_distributions_and_predictions_are_stars(form: str, fitted: dict[str, RatingModel]) -> None:
    model = fitted[form]
    assert model.form == form
    found = model.probabilities(ASKED)
    assert found.shape == (len(ASKED), 5)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-9)
    assert (found >= 0).all()
    assert set(model.predict(ASKED)) <= {1, 2, 3, 4, 5}
    assert (model.predict(ASKED) == model.decide(found)).all()


@pytest.mark.parametrize("form", FORMS)
def test_a_model_read_back_from_its_bytes_says_the_same(form: str, fitted: dict[str, RatingModel]) -> None:
    model = fitted[form]
    again = read_model(model.to_bytes())
    assert (again.form, again.modalities) == (model.form, model.modalities)
    np.testing.assert_array_equal(again.probabilities(ASKED), model.probabilities(ASKED))
    np.testing.assert_array_equal(again.predict(ASKED), model.predict(ASKED))
    assert again.to_bytes() == model.to_bytes()


@pytest.mark.parametrize("form", FORMS)
def test_the_seed_decides_everything(form: str, fitted: dict[str, RatingModel]) -> None:
    again = MAKE[form]()
    again.fit(TRAIN, VALIDATION)
    assert again.to_bytes() == fitted[form].to_bytes()


@pytest.mark.parametrize("form", FORMS)
def test_a_rating_in_the_title_changes_nothing(form: str, fitted: dict[str, RatingModel]) -> None:
    plain = [replace(example, title="") for example in ASKED]
    marked = [replace(example, title="Five Stars") for example in ASKED]
    np.testing.assert_array_equal(fitted[form].probabilities(marked), fitted[form].probabilities(plain))


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_asked_and_nothing_written_is_answered(form: str, fitted: dict[str, RatingModel]) -> None:
    assert fitted[form].probabilities([]).shape == (0, 5)
    assert fitted[form].predict([]).shape == (0,)
    silent = [Example(product="p"), Example(product="p", title="Five Stars"), Example(product="p", text="¿…?")]
    np.testing.assert_allclose(fitted[form].probabilities(silent).sum(1), 1, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_does_not_depend_on_the_others(form: str, fitted: dict[str, RatingModel]) -> None:
    together = fitted[form].probabilities(ASKED)[:3]
    alone = np.concatenate([fitted[form].probabilities([example]) for example in ASKED[:3]])
    # Under bfloat16 a text padded further rounds elsewhere.
    np.testing.assert_allclose(alone, together, atol=0.02 if form == "fine-tuned" else 1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_untrained_models_say_so(form: str) -> None:
    model = MAKE[form]()
    for ask in (lambda: model.probabilities(ASKED), model.to_bytes):
        with pytest.raises(NotReady):
            ask()


@pytest.mark.parametrize("form", FORMS)
def test_unrated_reviews_and_one_rating_only_are_refused(form: str) -> None:
    with pytest.raises(InvalidInput):
        MAKE[form]().fit([replace(example, rating=None) for example in TRAIN], VALIDATION)
    with pytest.raises(InvalidInput, match="same rating"):
        MAKE[form]().fit([replace(example, rating=5) for example in TRAIN], VALIDATION)


@pytest.mark.parametrize("kept", [(4, 5), (1, 3, 5)])
@pytest.mark.parametrize("form", FORMS)
def test_ratings_that_never_occur_are_no_obstacle(form: str, kept: tuple[int, ...]) -> None:
    model = MAKE[form]()
    model.fit(
        [example for example in TRAIN if example.rating in kept][:90],
        [example for example in VALIDATION if example.rating in kept],
    )
    assert set(model.predict(ASKED)) <= set(range(1, 6))
    if form == "baseline":
        assert set(model.predict(ASKED)) <= set(kept)


def test_the_baseline_learns_the_words() -> None:
    model = Baseline()
    model.fit(examples(800), [])
    asked = examples(300, seed=9)
    assert np.mean(model.predict(asked) == [example.rating for example in asked]) > 0.85


def test_the_perceptron_learns_from_the_text_block() -> None:
    model = FrozenMlp(features("text"), widths=(64, 32, 16), epochs=30)
    history = model.fit(examples(800), examples(200, seed=5))
    assert history.epochs[history.best - 1].accuracy > 0.7
    assert history.best == 1 + int(np.argmin([epoch.validation_loss for epoch in history.epochs])) or history.best > 1


def test_the_perceptron_learns_from_photographs_alone() -> None:
    model = FrozenMlp(features("image"), widths=(64, 32, 16), epochs=30)
    pictured = [replace(one, image=photograph(one.rating or 0), text="") for one in examples(400)]
    model.fit(pictured[:320], pictured[320:])
    assert np.mean(model.predict(pictured[320:]) == [one.rating for one in pictured[320:]]) > 0.8


def test_a_modality_that_is_left_out_is_not_read() -> None:
    model = FrozenMlp(features("text"), widths=(16, 8, 8), epochs=2)
    model.fit(TRAIN, VALIDATION)
    assert model.modalities == {"text"}
    without = [replace(example, image=None) for example in TRAIN[:9]]
    np.testing.assert_array_equal(model.probabilities(TRAIN[:9]), model.probabilities(without))


def test_training_stops_when_validation_gets_no_better(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, "PATIENCE", 2)
    noise = [replace(example, rating=1 + number % 5) for number, example in enumerate(TRAIN)]
    history = FrozenMlp(features(), widths=(64, 32, 16), epochs=60).fit(noise, VALIDATION)
    assert history.stopped_early
    assert len(history.epochs) == history.best + 2


@pytest.mark.parametrize("form", ["frozen-mlp", "fine-tuned"])
def test_progress_counts_every_batch(form: str) -> None:
    steps: list[Step] = []
    model = FrozenMlp(features(), widths=(8, 8, 8), epochs=2) if form == "frozen-mlp" else tuned(epochs=2)
    model.fit(TRAIN[:70], VALIDATION, steps.append)
    assert [step.epoch for step in steps] == sorted(step.epoch for step in steps)
    for epoch in (1, 2):
        of_epoch = [step for step in steps if step.epoch == epoch]
        assert [step.done for step in of_epoch] == list(range(1, of_epoch[0].total + 1))


def test_the_fine_tuned_form_reads_photographs_only_where_there_are_some() -> None:
    pictured, plain = tuned(), tuned()
    pictured.fit(TRAIN[:64], VALIDATION)
    plain.fit([replace(example, image=None) for example in TRAIN[:64]], VALIDATION)
    dark, light = (replace(ASKED[0], image=photograph(stars)) for stars in (1, 5))
    assert not np.array_equal(pictured.probabilities([dark]), pictured.probabilities([light]))
    np.testing.assert_array_equal(plain.probabilities([dark]), plain.probabilities([light]))


def test_forms_without_what_they_need_are_refused() -> None:
    for form in ("baseline", "fine-tuned"):
        with pytest.raises(InvalidInput) as raised:
            new_model(form, modalities=["image"])
        assert raised.value.field == "modalities"
    with pytest.raises(InvalidInput):
        new_model("frozen-mlp", modalities=[])
    with pytest.raises(InvalidInput):
        new_model("oracle")  # type: ignore[arg-type]


def test_models_share_what_their_encoders_said() -> None:
    shared = features()
    one = new_model("frozen-mlp", features=shared, modalities=["text"])
    assert one.modalities == {"text"}
    rows = shared.rows(ASKED)
    assert shared.only(["text"]).rows(ASKED).tolist() == rows[:, :48].tolist()
    assert rows.shape == (len(ASKED), 48 + 24 + 1)


@pytest.mark.parametrize("content", [b"", b"12345678", b"\x02\0\0\0\0\0\0\0{}"])
def test_bytes_of_something_else_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_model(content)
    assert raised.value.field == "model"


def test_a_model_of_an_unknown_form_is_refused() -> None:
    with pytest.raises(InvalidInput, match="does not know"):
        read_model(to_bytes({"form": "later"}, {"a": np.zeros(1)}))
    with pytest.raises(InvalidInput, match="lack"):
        read_model(to_bytes({"form": "baseline", "balanced": True}, {"a": np.zeros(1)}))


@pytest.mark.parametrize(
    ("form", "modality"), [("frozen-mlp", "text"), ("frozen-mlp", "image"), ("fine-tuned", "image")]
)
def test_a_frozen_encoder_of_another_version_is_refused(
    form: str, modality: str, fitted: dict[str, RatingModel]
) -> None:
    described, tensors = from_bytes(fitted[form].to_bytes())
    described["versions"][modality] = "1-of-before"
    with pytest.raises(Conflict, match=r"version 1-of-before of the .* encoder hashing:.* train it again"):
        read_model(to_bytes(described, tensors))


def test_a_fine_tuned_encoder_is_kept_and_may_change_elsewhere(fitted: dict[str, RatingModel]) -> None:
    described, _ = from_bytes(fitted["fine-tuned"].to_bytes())
    assert set(described["versions"]) == {"image"}


def test_a_model_is_data_alone() -> None:
    model = Baseline()
    model.fit(TRAIN, [])
    described, tensors = from_bytes(model.to_bytes())
    assert described["form"] == "baseline"
    assert "lovely" in tensors["terms"].tobytes().decode().split("\n")


def test_a_text_encoder_in_a_directory_can_be_trained(tmp_path: Path) -> None:
    directory = save_backbone(tmp_path)
    found = open_backbone(f"sentence-transformer:{directory}")
    assert found.width == 32
    assert found.module().config.num_hidden_layers == 2
    (tmp_path / "config.json").write_text('{"model_type": "roberta"}', encoding="utf-8")
    with pytest.raises(ConfigurationError):
        read_backbone(directory)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(WeightsMissing):
        read_backbone(directory)


def test_encoders_that_cannot_be_trained_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="cannot be fine-tuned"):
        open_backbone("hashing:8")


def test_the_default_text_encoder_reads_a_review_as_its_own_tokenizer_does() -> None:
    from backend.encoders.minilm import tokenizer

    ids, kinds = open_backbone("minilm").tokens([("Lovely dress", "Fits well.")])[0]
    expected = tokenizer().encode("Lovely dress", "Fits well.")
    assert ids.tolist() == expected.ids
    assert kinds.tolist() == expected.type_ids


def test_long_reviews_keep_their_ends() -> None:
    made = backbone()
    long = "lovely " + "dress " * 500 + "awful"
    (ids, kinds), (bare, _) = made.tokens([("very " * 300, long), ("", "lovely")])
    assert len(ids) == len(kinds) == 64
    assert made.tokens([("", "lovely")])[0][0][1] in ids
    assert made.tokens([("", "awful")])[0][0][1] == ids[-2]
    assert (ids == made.tokens([("", "very")])[0][0][1]).sum() == min(TITLE_TOKENS, 16)
    assert len(bare) == 3


def test_batches_hold_every_review_once_and_texts_of_one_length() -> None:
    made = backbone()
    data = Reviews(made.tokens([("", one.text) for one in TRAIN]), np.zeros((300, 0), np.float32), np.zeros(300, int))
    for random in (None, np.random.default_rng(0)):
        found = data.batches(8, random)
        assert sorted(np.concatenate(found)) == list(range(300))
        spans = [np.ptp([len(data.tokens[place][0]) for place in batch]) for batch in found]
        assert np.mean(spans) < 1.5


def test_every_parameter_learns_at_the_speed_of_its_layer() -> None:
    reader = Reader(backbone())
    groups = parameter_groups(reader, 1.0, 10.0, 0.01, 0.5)
    speeds = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}  # type: ignore[attr-defined]
    named = dict(reader.named_parameters())
    assert len(speeds) == len(named)
    assert speeds[id(reader.classes.weight)] == 10
    assert speeds[id(named["encoder.encoder.layer.1.output.dense.weight"])] == 1
    assert speeds[id(named["encoder.encoder.layer.0.output.dense.weight"])] == 0.5
    assert speeds[id(named["encoder.embeddings.word_embeddings.weight"])] == 0.25
    worn = {id(parameter): group["weight_decay"] for group in groups for parameter in group["params"]}  # type: ignore[attr-defined]
    assert worn[id(reader.classes.bias)] == 0
    assert worn[id(reader.classes.weight)] == 0.01


@pytest.mark.parametrize(("count", "epochs"), [(20, 10), (2_000, 5), (3_000, 4), (12_000, 3), (200_000, 2)])
def test_few_reviews_are_read_more_often(count: int, epochs: int) -> None:
    assert epochs_for(count) == epochs


def test_a_distilbert_learns_too(tmp_path: Path) -> None:
    from safetensors.torch import save_file
    from transformers import DistilBertConfig, DistilBertModel

    made = save_backbone(tmp_path)
    config = {"model_type": "distilbert", "vocab_size": 40, "dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2}
    model = DistilBertModel(DistilBertConfig(**config))
    # As a checkpoint of the whole masked language model has them.
    save_file({f"distilbert.{name}": value for name, value in model.state_dict().items()}, made / "model.safetensors")
    (made / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tuned = FineTuned(features("text"), backbone=open_backbone(f"distilbert:{made}"), epochs=2)
    history = tuned.fit(TRAIN, VALIDATION)
    assert history.epochs[1].loss < history.epochs[0].loss
    again = read_model(tuned.to_bytes())
    np.testing.assert_array_equal(again.probabilities(ASKED), tuned.probabilities(ASKED))


def test_a_server_keeps_nothing_of_what_it_was_asked() -> None:
    remembering, forgetting = Features("hashing:8", "hashing:8"), Features("hashing:8", "hashing:8", keeps=False)
    for asked, kept in ((remembering, 2), (forgetting, 0)):
        rows = asked.texts(["red", "blue", "red"])
        assert np.array_equal(rows[0], rows[2])
        assert len(asked._texts) == kept


def test_few_reviews_do_not_collapse_the_frozen_form_into_one_rating() -> None:
    some = examples(160)
    model = FrozenMlp(features(), widths=(32, 16))
    model.fit(some[:120], some[120:])
    predicted = model.predict(some[120:])
    assert measure([example.rating or 0 for example in some[120:]], predicted).mae < 1.5
    assert len(np.unique(predicted)) > 1
