"""The model server: Seldon v1 and Open Inference v2 over HTTP, one process, one model version at a time.

`app` routes and answers, `seldon` and `open_inference` translate between JSON and rows, `predictor` batches, `loader`
brings versions in, `http` is the wire (limits, timeouts, drain). It needs numpy, xgboost, uvicorn, httptools, uvloop,
orjson and prometheus-client; it never imports pandas or any of the training code.
"""
