"""Models and their figures to a page that people can look at. Needs matplotlib, of the extra `train`."""
