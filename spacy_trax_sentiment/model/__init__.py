"""Ids to probabilities (n_texts, n_labels): Trax trains the layers, NumPy serves them.

architecture.py: the settings that determine a model's layers.
thinc_model.py: the additive classifier as a Thinc model.
custom_layer.py: any Trax layer as a Thinc model.
encoder_layer.py: the Trax layers of a transformer encoder.
encoder.py: the encoder as a Thinc model, and its start from files.
targets.py: what texts express toward spans of them.
cascade.py: two models as one, which answers by the first or reads by the second.
inputs.py: Docs to tokens, ids and probabilities, for all architectures.
columns.py: a model narrowed to some of its labels.
folded.py: the additive classifier in NumPy.
caches.py: the caches of one model.
parameters.py: a model's weights by name, to Trax layers and back.
trax_layers.py: the Trax layers.
gradients.py: a Trax layer compiled by JAX, and its gradients.
sparse_rows.py: training steps of only the rows that a batch uses.
padding.py: ids to padded batches.
trax_backend.py: the only module that imports Trax and JAX.
files.py: a model to files and back.
compact.py: a trained model to a smaller one.
"""
