"""Short names of losses and metrics."""

__all__ = ["SHORT"]

#: short names of losses, and the full ones
SHORT = {"mse": "mean_squared_error", "mae": "mean_absolute_error",
          "mape": "mean_absolute_percentage_error", "msle": "mean_squared_logarithmic_error",
          "bce": "binary_crossentropy", "bfce": "binary_focal_crossentropy",
          "kld": "kl_divergence", "logcosh": "log_cosh", "kullback_leibler_divergence":
          "kl_divergence", "cosine_proximity": "cosine_similarity", "cos_similarity":
          "cosine_similarity", "crossentropy": "categorical_crossentropy"}
