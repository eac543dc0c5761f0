"""A concept direction as a scikit-learn classifier, on plain arrays.

    direction = v / |v|,    intercept = -direction . (mean(positive) + mean(negative)) / 2
    score(x)  = direction . x + intercept

`v` comes from the estimator functions of `polyvalues.vectors.estimators`. `mean-difference`, `lda` and `leace` need
no pairs. `pca` and `logistic` are defined on pair differences. With `groups`, one pair per group is used: the mean of
its positive and the mean of its negative samples. Without, every sample is compared with the mean of the other class.

Source: Marks and Tegmark 2023 (arXiv 2310.06824) for a mean difference used as a classifier; every
estimator file names its own source.
"""

from typing import Any

import numpy as np
from jaxtyping import Float64
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from polyvalues.errors import ConceptDirectionError
from polyvalues.vectors.fit import ESTIMATORS

PAIRED = frozenset({"pca", "logistic"})
"""Estimators that are defined on pair differences."""


class ConceptDirection(ClassifierMixin, BaseEstimator):
    """Linear classifier along one concept direction.

    Args:
        estimator: a key of `polyvalues.vectors.fit.ESTIMATORS`.

    Attributes:
        classes_: the two labels, sorted. The second is the positive side.
        direction_: float64 [feature], of length 1, pointing to the positive side.
        intercept_: float. The score is 0 half way between the class means; it has the units of `X`.
        n_features_in_: number of features.

    Example:
        >>> import numpy as np
        >>> from polyvalues.vectors.concept_direction import ConceptDirection
        >>> X = np.array([[0.0, 1.0], [0.0, -1.0], [4.0, 1.0], [4.0, -1.0]])
        >>> model = ConceptDirection().fit(X, [0, 0, 1, 1])
        >>> model.decision_function([[3.0, 0.0]]).tolist()
        [1.0]
    """

    # Any: scikit-learn sets parameters unchecked, `fit` checks them.
    def __init__(self, estimator: Any = "mean-difference"):
        self.estimator = estimator

    def __sklearn_tags__(self) -> Any:
        """Two classes only."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: Any, y: Any, groups: Any = None) -> "ConceptDirection":
        """Fit direction and intercept.

        Args:
            X: real numbers [sample, feature], such as hidden states; computed in float64.
            y: two different labels [sample].
            groups: labels [sample] of what belongs together; used by `pca` and `logistic` only. Each group needs
                both classes.

        Returns:
            The fitted classifier.

        Raises:
            ConceptDirectionError: unknown estimator, not two classes, or a group without both; also a `ValueError`.
            DegenerateVector: the classes have equal means, or too little data for the estimator.
        """
        if self.estimator not in ESTIMATORS:
            raise ConceptDirectionError(f"unknown estimator {self.estimator!r}; known: {', '.join(ESTIMATORS)}")
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) != 2:
            count = len(self.classes_)
            raise ConceptDirectionError(
                f"Only binary classification is supported. y holds {count} class{'es' if count != 1 else ''}; give two"
            )
        labels = y == self.classes_[1]
        positive, negative = X[labels], X[~labels]
        sides = positive, negative
        if self.estimator in PAIRED:
            sides = _against_means(positive, negative) if groups is None else _group_means(X, labels, groups)
        vector = ESTIMATORS[self.estimator](*sides)
        self.direction_ = vector / np.linalg.norm(vector)
        self.intercept_ = -float(self.direction_ @ (positive.mean(axis=0) + negative.mean(axis=0)) / 2)
        return self

    def decision_function(self, X: Any) -> Float64[np.ndarray, " sample"]:
        """Signed distance from the midpoint along the direction.

        Args:
            X: real numbers [sample, feature].

        Returns:
            float64, in the units of `X`; above 0 on the side of `classes_[1]`.

        Raises:
            NotFittedError: `fit` was not called.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X @ self.direction_ + self.intercept_

    def predict(self, X: Any) -> np.ndarray:
        """Labels [sample]: `classes_[1]` where the score is above 0.

        Args:
            X: real numbers [sample, feature].

        Returns:
            Labels, of the type of `y`.

        Raises:
            NotFittedError: `fit` was not called.
        """
        positive = self.decision_function(X) > 0
        return self.classes_[positive.astype(int)]


def _against_means(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every sample beside the mean of the other class."""
    upper = np.broadcast_to(positive.mean(axis=0), negative.shape)
    lower = np.broadcast_to(negative.mean(axis=0), positive.shape)
    return np.concatenate([positive, upper]), np.concatenate([lower, negative])


def _group_means(X: np.ndarray, labels: np.ndarray, groups: Any) -> tuple[np.ndarray, np.ndarray]:
    """The means of both classes in every group, in the order of the sorted groups."""
    groups = np.asarray(groups)
    check_consistent_length(X, groups)
    positive, negative = [], []
    for group in np.unique(groups):
        inside = groups == group
        if labels[inside].all() or not labels[inside].any():
            raise ConceptDirectionError(f"group {group!r} holds one class only; drop it, or leave groups out")
        positive.append(X[inside & labels].mean(axis=0))
        negative.append(X[inside & ~labels].mean(axis=0))
    return np.stack(positive), np.stack(negative)
