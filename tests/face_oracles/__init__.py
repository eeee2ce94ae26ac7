"""The real PyTorch and Keras as oracles: tables of cases that a face must answer alike."""
