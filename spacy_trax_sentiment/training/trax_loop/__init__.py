"""Trax's training Loop, and everything about it that had to be bent.

Private attributes of Trax are used in this folder alone. Each module imports Trax when it is imported, so import them
inside the functions that train.

- `loop.py` builds a `Loop` from a layer, batches and settings, and runs it. `quiet_loop` in `model/trax_backend.py`
  keeps back what the Loop prints and restores the global random generators that it reseeds. That module also replaces
  `inspect.stack` while Trax is imported: Trax inspects the stack 65 times for a file name and line, and finding the
  source lines takes 18 of the import's 21 seconds.
- `watch.py` is a callback that reports each step and ends a run whose loss is not finite, and reads and writes the
  Loop's history.
- `row_steps.py` replaces Trax's trainer and evaluator by ones that pass only a batch's rows of the embedding through a
  step. Trax's own step moves the whole table and Adam's moments through memory.
- `ridge.py` adds a penalty to Trax's Adam, which makes a classifier without hidden layers a logistic regression.
- `resuming.py` captures and restores weights, optimizer slots, step, random key and history. Trax's own checkpoints are
  pickles, which run code when they are loaded, and its Loop fails to resume from them with the JAX versions supported
  here.
- `devices.py` makes the Loop train on one device where it would insist on all, and repairs its data parallelism for
  JAX 0.9.
"""
