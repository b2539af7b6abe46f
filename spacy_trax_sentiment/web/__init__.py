"""A pipeline to a page and JSON over HTTP.

server.py: the socket, and uvicorn on it.
app.py: the ASGI application, `make_app`.
schema.py: the JSON of requests and answers.
limits.py: bodies within limits, and refusals.
headers.py: headers that make browsers careful.
answers.py: texts to answers.
table_answers.py: files to answers.
docs_page.py: the description of the endpoints as a page.
static/: the page.
"""
