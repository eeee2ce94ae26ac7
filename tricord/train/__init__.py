"""The training loop, its data sources and its callbacks."""

from .batches import BatchSequence, Source, source_of, unpack
from .callback import Callback, CallbackList, LambdaCallback
from .early_stopping import EarlyStopping
from .history import History
from .logs import Logs
from .loop import FitRun, evaluate, fit, predict
from .model_checkpoint import BackupAndRestore, ModelCheckpoint
from .progress import ProgressBar
from .protocol import Trainable, copy_weights, get_rate, put_weights, set_rate
from .rates import LearningRateScheduler, ReduceLROnPlateau
from .recorders import CSVLogger, TerminateOnNaN
from .trainer import Trainer

__all__ = ["BackupAndRestore", "BatchSequence", "CSVLogger", "Callback", "CallbackList",
           "EarlyStopping", "FitRun", "History", "LambdaCallback", "LearningRateScheduler", "Logs",
           "ModelCheckpoint", "ProgressBar", "ReduceLROnPlateau", "Source", "TerminateOnNaN",
           "Trainable", "Trainer", "copy_weights", "evaluate", "fit", "get_rate", "predict",
           "put_weights", "set_rate", "source_of", "unpack"]
