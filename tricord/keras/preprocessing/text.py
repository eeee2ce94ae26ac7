"""Old preprocessing of text: `Tokenizer`, `one_hot`, `text_to_word_sequence`."""

from __future__ import annotations
