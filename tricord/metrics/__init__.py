"""Metrics: streaming, lazy, in Keras' names and conventions."""

from .accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .auc import AUC, ExactAUC, average_precision, roc_auc
from .confusion import (
    BinaryIoU,
    ClassReport,
    ConfusionMatrix,
    IoU,
    MatthewsCorrelation,
    MeanIoU,
    OneHotIoU,
    OneHotMeanIoU,
    PerClassAccuracy,
)
from .correlation import ConcordanceCorrelation, PearsonCorrelation, R2Score
from .fbeta import F1Score, FBetaScore
from .losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .mean import FormulaMean, Mean, MeanMetricWrapper, Sum
from .metric import Metric
from .thresholds import (
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    ThresholdCounts,
    TrueNegatives,
    TruePositives,
)

__all__ = [
    "AUC", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "CategoricalAccuracy",
    "CategoricalCrossentropy", "CategoricalHinge", "ClassReport", "ConcordanceCorrelation",
    "ConfusionMatrix", "CosineSimilarity", "ExactAUC", "F1Score", "FBetaScore", "FalseNegatives",
    "FalsePositives", "FormulaMean", "Hinge", "IoU", "KLDivergence", "LogCoshError",
    "MatthewsCorrelation", "Mean", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanIoU",
    "MeanMetricWrapper", "MeanSquaredError", "MeanSquaredLogarithmicError", "Metric", "OneHotIoU",
    "OneHotMeanIoU", "PearsonCorrelation", "PerClassAccuracy", "Poisson", "Precision",
    "PrecisionAtRecall", "R2Score", "Recall", "RecallAtPrecision", "RootMeanSquaredError",
    "SensitivityAtSpecificity", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy", "SpecificityAtSensitivity", "SquaredHinge", "Sum",
    "ThresholdCounts", "TopKCategoricalAccuracy", "TrueNegatives", "TruePositives",
    "average_precision", "roc_auc"]
