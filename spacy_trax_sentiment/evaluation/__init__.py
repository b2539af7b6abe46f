"""Predictions to figures and pages."""
