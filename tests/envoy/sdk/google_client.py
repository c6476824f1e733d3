"""The official Google Gen AI client: URL and scene in, what it met as JSON out."""

import json
import sys

from google import genai
from google.genai import errors, types

ASK = {"model": "m", "contents": "Hello?"}


def client(url, tokens):
    """A client whose origin says that every call used so many tokens. Closed with the last that holds it."""
    options = types.HttpOptions(base_url=url, headers={"x-demo-tokens": tokens})
    return genai.Client(api_key="sk-one", http_options=options)


def usage(url):
    """Calls of every kind, and what each says that it used."""
    google = client(url, "70,30,20,10")
    models = google.models
    streamed = list(models.generate_content_stream(**ASK))
    used = [models.generate_content(**ASK).usage_metadata, streamed[-1].usage_metadata]
    return {
        "used": [usage.total_token_count for usage in used],
        "counted": models.count_tokens(**ASK).total_tokens,
    }


def spend(url):
    """One call that uses more than there is, and one more."""
    google = client(url, "5000,5000")
    google.models.generate_content(**ASK)
    return {"refused": raised(lambda: google.models.generate_content(**ASK))}


def checked(url):
    """One call, with all the retries that the SDK makes by itself."""
    google = client(url, "1,1")
    return {"refused": raised(lambda: google.models.generate_content(**ASK))}


def raised(call):
    """What a call raises, as far as a program would look at it."""
    try:
        call()
    except errors.APIError as error:
        return {
            "raised": type(error).__name__,
            "status": error.code,
            "type": error.status,
            "message": error.message,
            "reasons": [detail.get("reason") for detail in error.details["error"].get("details", [])],
        }
    return {"raised": None}


if __name__ == "__main__":
    url, scene = sys.argv[1:]
    scenes = {"usage": usage, "spend": spend, "checked": checked}
    print(json.dumps(scenes[scene](url)))
