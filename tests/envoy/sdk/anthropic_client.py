"""The official Anthropic client: URL and scene in, what it met as JSON out."""

import json
import sys

import anthropic

ASK = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hello?"}]}


def talk(url):
    """Three calls, one of them streamed, then one too many, then one from nobody."""
    client = anthropic.Anthropic(base_url=url, api_key="sk-one", max_retries=0)
    nobody = {"extra_headers": {"X-Api-Key": anthropic.Omit(), "Authorization": anthropic.Omit()}}
    called = client.messages.with_raw_response.create(**ASK)
    with client.messages.stream(**ASK) as stream:
        streamed = list(stream.text_stream)
    client.messages.create(**ASK)
    return {
        "call": called.parse().content[0].text,
        "headers": dict(called.headers),
        "stream": streamed,
        "refused": raised(lambda: client.messages.create(**ASK)),
        "unknown": raised(lambda: client.messages.create(**ASK, **nobody)),
    }


def retry(url):
    """Two calls in a row, with the retries that the SDK makes by itself."""
    told = []
    hooks = {"response": [lambda response: told.append(response.headers.get("retry-after"))]}
    http = anthropic.DefaultHttpxClient(event_hooks=hooks)
    messages = anthropic.Anthropic(base_url=url, api_key="sk-one", http_client=http).messages
    answers = [messages.create(**ASK).content[0].text for _ in range(2)]
    return {"answers": answers, "retry_after": next(wait for wait in told if wait)}


def usage(url):
    """Calls of every kind, and what each says that it used."""
    messages = anthropic.Anthropic(base_url=url, api_key="sk-one", max_retries=0).messages
    told = {"extra_headers": {"x-demo-tokens": "70,30,20,10"}}
    with messages.stream(**ASK, **told) as stream:
        streamed = stream.get_final_message()
    counted = {name: value for name, value in ASK.items() if name != "max_tokens"}
    used = [messages.create(**ASK, **told).usage, streamed.usage]
    return {
        "used": [
            usage.input_tokens + usage.cache_read_input_tokens + usage.output_tokens
            for usage in used
        ],
        "counted": messages.count_tokens(**counted, **told).input_tokens,
    }


def spend(url):
    """One call that uses more than there is, and one more."""
    messages = anthropic.Anthropic(base_url=url, api_key="sk-one", max_retries=0).messages
    messages.create(**ASK, extra_headers={"x-demo-tokens": "5000,5000"})
    return {"refused": raised(lambda: messages.create(**ASK))}


def checked(url):
    """One call, with all the retries that the SDK makes by itself."""
    messages = anthropic.Anthropic(base_url=url, api_key="sk-one").messages
    return {"refused": raised(lambda: messages.create(**ASK))}


def raised(call):
    """What a call raises, as far as a program would look at it."""
    try:
        call()
    except anthropic.APIStatusError as error:
        return {
            "raised": type(error).__name__,
            "status": error.status_code,
            "type": error.body["error"]["type"],
            "code": error.body["error"].get("code"),
            "message": error.message,
            "retry_after": error.response.headers.get("retry-after"),
        }
    return {"raised": None}


if __name__ == "__main__":
    url, scene = sys.argv[1:]
    scenes = {"talk": talk, "retry": retry, "usage": usage, "spend": spend, "checked": checked}
    print(json.dumps(scenes[scene](url)))
