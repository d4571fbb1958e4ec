"""An API with one resource, on the standard library's WSGI server."""

import json
import os
from http import HTTPStatus
from socketserver import ThreadingMixIn
from wsgiref.headers import Headers
from wsgiref.simple_server import WSGIServer, make_server

from authlib.oauth2 import OAuth2Error, ResourceProtector

from token_validator import KeywrightTokenValidator

require_token = ResourceProtector()
require_token.register_token_validator(KeywrightTokenValidator(os.environ["ISSUER"], os.environ["AUDIENCE"]))


class Request:
    """The part of a request that Authlib reads. Flask's and Django's requests have it."""

    def __init__(self, environ):
        headers = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
        self.headers = Headers(headers)


def app(environ, start_response):
    try:
        token = require_token.validate_request(["read"], Request(environ))
        caller = {"client": token["client_id"], "account": token.get("account_id"), "subject": token["sub"]}
        status, body, headers = 200, caller, []
    except OAuth2Error as error:
        status, body, headers = error()
    headers = [(name, value) for name, value in headers if name.lower() != "content-type"]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers + [("Content-Type", "application/json")])
    return [json.dumps(dict(body)).encode()]


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


if __name__ == "__main__":
    make_server("127.0.0.1", int(os.environ.get("PORT", "8000")), app, ThreadingServer).serve_forever()
