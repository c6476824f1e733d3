"""The official OpenAI client: URL and scene in, what it met as JSON out."""

import json
import sys

import openai

ASK = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}


def talk(url):
    """Three calls, one of them streamed, then one too many, then one from nobody."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-one", max_retries=0)
    chat = client.chat.completions
    nobody = {"extra_headers": {"Authorization": openai.Omit()}}
    called = chat.with_raw_response.create(**ASK)
    streamed = [chunk.choices[0].delta.content for chunk in chat.create(stream=True, **ASK)]
    chat.create(**ASK)
    return {
        "call": called.parse().choices[0].message.content,
        "headers": dict(called.headers),
        "stream": streamed,
        "refused": raised(lambda: chat.create(**ASK)),
        "unknown": raised(lambda: chat.create(**ASK, **nobody)),
    }


def retry(url):
    """Two calls in a row, with the retries that the SDK makes by itself."""
    told = []
    hooks = {"response": [lambda response: told.append(response.headers.get("retry-after"))]}
    http = openai.DefaultHttpxClient(event_hooks=hooks)
    chat = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-one", http_client=http).chat.completions
    answers = [chat.create(**ASK).choices[0].message.content for _ in range(2)]
    return {"answers": answers, "retry_after": next(wait for wait in told if wait)}


def raised(call):
    """What a call raises, as far as a program would look at it."""
    try:
        call()
    except openai.APIStatusError as error:
        return {
            "raised": type(error).__name__,
            "status": error.status_code,
            "code": error.code,
            "type": error.type,
            "message": error.message,
            "retry_after": error.response.headers.get("retry-after"),
        }
    return {"raised": None}


if __name__ == "__main__":
    url, scene = sys.argv[1:]
    print(json.dumps({"talk": talk, "retry": retry}[scene](url)))
