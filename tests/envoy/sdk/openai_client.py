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


def usage(url):
    """Calls of every kind: what each says that it used, and what came of a stream that was not asked for it."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-one", max_retries=0)
    told = {"extra_headers": {"x-demo-tokens": "70,30,20,10"}}
    chat = {**ASK, **told, "max_tokens": 40}
    respond = {"model": "m", "input": "Hello?", "max_output_tokens": 40, **told}
    create = client.chat.completions.create
    streamed = list(create(stream=True, stream_options={"include_usage": True}, **chat))
    silent = list(create(stream=True, **chat))
    events = list(client.responses.create(stream=True, **respond))
    used = [
        create(**chat).usage,
        streamed[-1].usage,
        client.responses.create(**respond).usage,
        events[-1].response.usage,
        client.embeddings.create(model="m", input="Hello?", **told).usage,
    ]
    return {
        "used": [usage.total_tokens for usage in used],
        "silent": all(chunk.choices and not chunk.usage for chunk in silent),
    }


def spend(url):
    """One call that uses more than there is, and one more."""
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-one", max_retries=0)
    create = client.chat.completions.create
    create(**ASK, extra_headers={"x-demo-tokens": "5000,5000"})
    return {"refused": raised(lambda: create(**ASK))}


def checked(url):
    """One call, with all the retries that the SDK makes by itself."""
    create = openai.OpenAI(base_url=f"{url}/v1", api_key="sk-one").chat.completions.create
    return {"refused": raised(lambda: create(**ASK))}


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
    scenes = {"talk": talk, "retry": retry, "usage": usage, "spend": spend, "checked": checked}
    print(json.dumps(scenes[scene](url)))
