"""Many files, many processes: each part is scored once and written whole.

- parts.py: what a job and its parts are, how files are divided, and how one part is scored
- local.py: processes on this machine
- ray.py: Ray's workers, on one machine or many
- run.py: a whole job, for Python and the console
- frames.py: tables in memory, also for Ray Data, Spark and Dask
"""
