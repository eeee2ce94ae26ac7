"""SimpleRNN, LSTM, GRU and RNN: sequences through a scan."""
