"""SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells: one step of a recurrent layer."""
