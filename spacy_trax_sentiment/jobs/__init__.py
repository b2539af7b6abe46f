"""Many files, many processes: each part is scored once and written whole."""
