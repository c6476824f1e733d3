"""One request as a Python client sends it: client.py CLIENT URL. Prints what it is made of, its own version first."""

import asyncio
import platform
import ssl
import sys
from importlib.metadata import version

WHAT, URL = sys.argv[1], sys.argv[2]
MODEL = "gpt-4o-mini"
MESSAGES = [{"role": "user", "content": "hello"}]
BODY = {"model": MODEL, "messages": MESSAGES}
CHAT = URL + "/v1/chat/completions"
BEARER = {"authorization": "Bearer sk-dummy"}
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
)


def made_of(*packages):
    # Its successor, where a package has moved on to it.
    packages = ["httpx2" if name == "httpx" and "httpx2" in sys.modules else name for name in packages]
    parts = [f"{name} {version(name)}" for name in packages]
    parts += [f"Python {platform.python_version()}", " ".join(ssl.OPENSSL_VERSION.split()[:2])]
    print("; ".join(parts))


def openai_sync():
    import openai

    openai.OpenAI(base_url=URL + "/v1", api_key="sk-dummy", max_retries=0).chat.completions.create(**BODY)
    made_of("openai", "httpx")


def openai_async():
    import openai

    client = openai.AsyncOpenAI(base_url=URL + "/v1", api_key="sk-dummy", max_retries=0)
    asyncio.run(client.chat.completions.create(**BODY))
    made_of("openai", "httpx")


def openai_http2():
    import httpx
    import openai

    http = httpx.Client(http2=True)
    client = openai.OpenAI(base_url=URL + "/v1", api_key="sk-dummy", max_retries=0, http_client=http)
    client.chat.completions.create(**BODY)
    made_of("openai", "httpx")


def anthropic_sync():
    import anthropic

    client = anthropic.Anthropic(base_url=URL, api_key="sk-ant-dummy", max_retries=0)
    client.messages.create(model="claude-x", max_tokens=9, messages=MESSAGES)
    made_of("anthropic", "httpx")


def anthropic_stream():
    import anthropic

    client = anthropic.Anthropic(base_url=URL, api_key="sk-ant-dummy", max_retries=0)
    try:
        with client.messages.stream(model="claude-x", max_tokens=9, messages=MESSAGES) as stream:
            stream.until_done()
    except Exception:  # The answer is no stream, and only the question matters here.
        pass
    made_of("anthropic", "httpx")


def anthropic_async():
    import anthropic

    client = anthropic.AsyncAnthropic(base_url=URL, api_key="sk-ant-dummy", max_retries=0)
    asyncio.run(client.messages.create(model="claude-x", max_tokens=9, messages=MESSAGES))
    made_of("anthropic", "httpx")


def google():
    from google import genai

    return genai.Client(api_key="dummy", http_options={"base_url": URL})


def google_sync():
    client = google()
    client.models.generate_content(model="gemini-x", contents="hello")
    made_of("google-genai")


def google_async():
    client = google()
    asyncio.run(client.aio.models.generate_content(model="gemini-x", contents="hello"))
    made_of("google-genai")


def requests_post():
    import requests

    requests.post(CHAT, json=BODY, headers=BEARER, timeout=20).raise_for_status()
    made_of("requests", "urllib3")


def requests_as_chrome():
    import requests

    requests.post(CHAT, json=BODY, headers={**BEARER, "user-agent": CHROME}, timeout=20).raise_for_status()
    made_of("requests", "urllib3")


def aiohttp_post():
    import aiohttp

    async def post():
        async with aiohttp.ClientSession() as session:
            async with session.post(CHAT, json=BODY, headers=BEARER) as response:
                response.raise_for_status()

    asyncio.run(post())
    made_of("aiohttp")


def httpx_post(http2=False):
    import httpx

    with httpx.Client(http2=http2) as client:
        client.post(CHAT, json=BODY, headers=BEARER).raise_for_status()
    made_of("httpx", "httpcore")


def urllib_post():
    import json
    import urllib.request

    headers = {**BEARER, "content-type": "application/json"}
    request = urllib.request.Request(CHAT, json.dumps(BODY).encode(), headers)
    urllib.request.urlopen(request, timeout=20).read()
    print(f"urllib {'.'.join(platform.python_version_tuple()[:2])}", end="; ")
    made_of()


def impersonate(browser, **headers):
    from curl_cffi import requests

    requests.post(CHAT, json=BODY, headers={**BEARER, **headers}, impersonate=browser, timeout=20).raise_for_status()
    print(f"curl_cffi {version('curl_cffi')}; as {browser}")


SCENES = {
    "openai": openai_sync,
    "openai-async": openai_async,
    "openai-http2": openai_http2,
    "anthropic": anthropic_sync,
    "anthropic-stream": anthropic_stream,
    "anthropic-async": anthropic_async,
    "google": google_sync,
    "google-async": google_async,
    "requests": requests_post,
    "requests-as-chrome": requests_as_chrome,
    "aiohttp": aiohttp_post,
    "httpx": httpx_post,
    "httpx-http2": lambda: httpx_post(http2=True),
    "urllib": urllib_post,
    "impersonate-as-openai": lambda: impersonate("chrome", **{"user-agent": "OpenAI/Python 3.54.0"}),
}

if WHAT.startswith("impersonate:"):
    impersonate(WHAT.split(":")[1])
else:
    SCENES[WHAT]()
