"""Predictions to figures and pages. The pages need matplotlib, from the extra `train`."""
