"""Raw texts to probabilities (n_texts, n_labels) without Docs."""
