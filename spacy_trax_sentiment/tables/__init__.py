"""Files of rows, in and out. Nothing here knows spaCy or the model.

- lines.py: bytes to lines, rows of CSV and values of JSON
- addresses.py: addresses such as s3://bucket/path to the files they name
- sources.py: a path, an address or standard input to a stream of bytes
- rows.py: the batch of rows that readers make and writers take
- parquet.py: Parquet to batches and back
- excel.py: the first sheet of an Excel workbook to rows
- readers.py: a table to batches
- writers.py: batches to a table
- scored.py: texts to the columns that are added to a table
"""
