"""The baseline: TF-IDF of words and pairs of words, and a logistic regression with balanced classes."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from backend.errors import InvalidInput, NotReady
from backend.ratings.corpus import Example, ratings_of
from backend.ratings.models import STARS, Form, History, Modality, Progress, most_probable
from backend.ratings.state import Tensors, tensor_text, text_tensor, to_bytes
from backend.ratings.written import joined

# Inverse strength of the regularisation, chosen on validation parts of the clothing reviews' training folds.
STRENGTH = 3.0
# 200,000 reviews hold a million pairs of words, most of them rare.
MOST_TERMS = 200_000
# A term of one review only says nothing of others; in a small corpus there is little else.
RARE_FROM = 1_000
MOST_ITERATIONS = 1_000


class Baseline:
    """TF-IDF + logistic regression. Photographs are not read.

    ``balanced``: each rating has the same weight in training, however rare it is.
    """

    form: Form = "baseline"

    def __init__(self, *, seed: int = 0, modalities: Iterable[Modality] = ("text",), balanced: bool = True) -> None:
        if "text" not in modalities:
            raise InvalidInput("the baseline reads text only, so text cannot be left out of it", field="modalities")
        self.modalities: frozenset[Modality] = frozenset({"text"})
        self._seed, self._balanced = seed, balanced
        self._vectorizer: Any = None
        self._weights = np.zeros((0, 0))
        self._intercepts = np.zeros(0)
        self._classes = np.zeros(0, dtype=np.int64)

    def fit(self, train: Sequence[Example], validation: Sequence[Example], progress: Progress | None = None) -> History:
        """See ``RatingModel.fit``."""
        del validation, progress  # Nothing is chosen here, and it takes seconds.
        from sklearn.linear_model import LogisticRegression
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # The package ships no types.

        ratings = np.array(ratings_of(train), dtype=np.int64)
        texts = [joined(example) for example in train]
        vectorizer = _vectorizer(None, rare=1 if len(texts) < RARE_FROM else 2)
        try:
            rows = vectorizer.fit_transform(texts)
        except ValueError as error:
            # scikit-learn's only one here: no text holds a word.
            raise InvalidInput("the reviews to learn from hold no words", field="text") from error
        if len(np.unique(ratings)) < 2:
            raise InvalidInput("the reviews to learn from all have the same rating", field="rating")
        regression = LogisticRegression(
            C=STRENGTH,
            class_weight="balanced" if self._balanced else None,
            max_iter=MOST_ITERATIONS,
            random_state=self._seed,
        )
        # Several threads add up in an order of their own, and the weights would differ in their last digits.
        with threadpool_limits(1):
            regression.fit(rows, ratings)
        self._vectorizer = vectorizer
        weights, intercepts = regression.coef_, regression.intercept_
        if len(regression.classes_) == 2:
            # scikit-learn keeps one row for two classes: the second's against the first's.
            weights, intercepts = np.vstack([0 * weights, weights]), np.array([0.0, intercepts[0]])
        # As they are stored, so that a model read back says the same.
        self._weights, self._intercepts = weights.astype(np.float32), intercepts.astype(np.float32)
        self._classes = regression.classes_.astype(np.int64)
        return History()

    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """See ``RatingModel.probabilities``."""
        if self._vectorizer is None:
            raise NotReady("the baseline is not trained yet", retry_after=None)
        found = np.zeros((len(examples), STARS))
        if len(examples):
            rows = self._vectorizer.transform([joined(example) for example in examples])
            scores = np.asarray(rows @ self._weights.T.astype(np.float64) + self._intercepts)
            powers = np.exp(scores - scores.max(1, keepdims=True))
            found[:, self._classes - 1] = powers / powers.sum(1, keepdims=True)
        return found

    def decide(self, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
        """The most probable rating."""
        return most_probable(probabilities)

    def predict(self, examples: Sequence[Example]) -> NDArray[np.int64]:
        """See ``RatingModel.predict``."""
        return self.decide(self.probabilities(examples))

    def to_bytes(self) -> bytes:
        """See ``RatingModel.to_bytes``."""
        return to_bytes({"form": self.form, "balanced": self._balanced}, self.tensors())

    def tensors(self) -> Tensors:
        """What it learnt, for a model that has this one inside.

        Raises:
            NotReady: it is not trained yet.
        """
        if self._vectorizer is None:
            raise NotReady("the baseline is not trained yet", retry_after=None)
        return {
            "terms": text_tensor("\n".join(self._vectorizer.get_feature_names_out())),
            "idf": self._vectorizer.idf_.astype(np.float64),
            "weights": self._weights,
            "intercepts": self._intercepts,
            "classes": self._classes,
        }

    @classmethod
    def from_tensors(cls, tensors: Tensors, *, balanced: bool = True) -> Self:
        """The model with what ``tensors`` gave."""
        model = cls(balanced=balanced)
        model._vectorizer = _vectorizer(tensor_text(tensors["terms"]).split("\n"))
        model._vectorizer.idf_ = tensors["idf"]
        model._weights, model._intercepts = tensors["weights"], tensors["intercepts"]
        model._classes = tensors["classes"]
        return model


def _vectorizer(terms: list[str] | None, rare: int = 1) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    # No stop words are left out: "not", "but" and "too" decide ratings.
    return TfidfVectorizer(
        ngram_range=(1, 2),
        sublinear_tf=True,
        min_df=rare,
        max_features=MOST_TERMS if terms is None else None,
        vocabulary=terms,
    )
