"""Ids to probabilities (n_texts, n_labels): Trax trains the layers, NumPy or ONNX Runtime serves them."""
