"""OpenAI's chat API, as OpenAI and the many servers that claim to be compatible speak it.

Here the dialects become the one that LangChain reads (see ``dialects``), so that nothing else has
to know of them; and a server that cannot stream looks like one that can.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from functools import cache
from typing import Any, ClassVar, Self, cast

import httpx2
import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models.chat_models import agenerate_from_stream
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import ensure_config
from langchain_openai import ChatOpenAI
from openai._streaming import ServerSentEvent, SSEDecoder
from pydantic import model_validator

from .dialects import REASONING, Dialect, ids_in
from .direct import Direct
from .faults import COST, HALF, UNSAID, MalformedAnswerError
from .state import MESSAGE

_Life = AsyncGenerator[httpx2.AsyncClient, None]


class OpenAIChat(Direct, ChatOpenAI):
    """ChatOpenAI for every dialect."""

    says_why_it_ends: ClassVar[bool] = True
    """An answer without a finish reason is not whole."""

    @model_validator(mode="after")
    def _speak_plainly(self) -> Self:
        self.async_client = _Completions(self.root_async_client)
        return self

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002 - core reports tokens
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        empty = True
        try:
            async for chunk in super()._astream(messages, stop, **kwargs):
                empty = False
                yield chunk
        except json.JSONDecodeError as error:
            raise MalformedAnswerError(f"the server sent what is not JSON: {error.doc}") from error
        except (UnicodeDecodeError, AttributeError) as error:  # the latter: JSON, but no object
            raise _unreadable(error) from error
        if empty:
            raise MalformedAnswerError("the server's answer is empty")

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        """Without streaming: the same way, as of a server that cannot stream."""
        if self._use_responses_api(self._get_request_payload(messages, stop=stop, **kwargs)):
            return await super()._agenerate(messages, stop, run_manager, **kwargs)
        more = {**(self.extra_body or {}), **(kwargs.pop("extra_body", None) or {})}
        kwargs["extra_body"] = {**more, "stream": False}
        return await agenerate_from_stream(self._astream(messages, stop, run_manager, **kwargs))

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type,
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        try:
            made = super()._convert_chunk_to_generation_chunk(
                chunk, default_chunk_class, base_generation_info
            )
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise _unreadable(error) from error
        if made is not None:
            said = made.message
            spent = (chunk.get("usage") or {}).get("cost")
            if isinstance(spent, int | float):
                said.response_metadata[COST] = spent
            said.response_metadata |= {key: chunk[key] for key in (HALF, UNSAID) if chunk.get(key)}
            for choice in chunk.get("choices") or ():
                if reasoning := choice["delta"].get(REASONING):
                    said.additional_kwargs[REASONING] = reasoning
        return made

    def _get_request_payload(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Where it asks for JSON, LangChain would leave our stream for one of the SDK's own."""
        payload = super()._get_request_payload(*args, **kwargs)
        if isinstance(form := payload.get("response_format"), dict) and "messages" in payload:
            del payload["response_format"]
            payload["extra_body"] = {**(payload.get("extra_body") or {}), "response_format": form}
        return payload


class _Completions:
    """The SDK's ``chat.completions``, with streams of plain JSON.

    The SDK would force each chunk into OpenAI's types, warn on stderr of each that does not fit,
    and refuse settings that OpenAI does not have.
    """

    def __init__(self, client: openai.AsyncOpenAI) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client.chat.completions, name)

    async def create(self, **request: Any) -> openai.AsyncStream[object]:
        more = request.pop("extra_body", None) or {}
        body = {**request, **more}
        if not body["stream"]:  # asked for whole; what comes is made into a stream again
            body.pop("stream_options", None)
        stream = await self._client.post(
            "/chat/completions",
            body=body,
            options={"security": {"bearer_auth": True}},
            cast_to=object,
            stream=True,
            stream_cls=_Stream,
        )
        seed = ensure_config().get("metadata", {}).get(MESSAGE, "")
        stream.dialect = Dialect(ids_in(request["messages"]), seed)
        return stream


class _Stream(openai.AsyncStream[object]):
    """The chunks of an answer, in LangChain's dialect."""

    dialect: Dialect

    async def __aiter__(self) -> AsyncGenerator[object, None]:
        lines = self._decoder = _Lines()
        empty = True
        chunks = cast(AsyncGenerator[dict[str, Any], None], super().__aiter__())
        async with aclosing(chunks):
            async for chunk in chunks:
                empty = False
                try:
                    read = self.dialect.read(chunk)
                except (AttributeError, LookupError, TypeError, ValueError) as error:
                    raise _unreadable(error) from error
                yield read
        if not empty:
            yield self.dialect.end(done=lines.done)


class _Lines(SSEDecoder):
    """Server-sent events; whether the last was the end, and errors in a field of their own."""

    done = False

    def decode(self, line: str) -> ServerSentEvent | None:
        if line.startswith("error:"):  # llama-box
            super().decode("data:" + line.removeprefix("error:"))
            line = ""
        event = super().decode(line)
        if event is not None and event.data.startswith("[DONE]"):
            self.done = True
        return event


def _unreadable(error: Exception) -> MalformedAnswerError:
    what = f"{type(error).__name__}: {error}"
    return MalformedAnswerError(f"the server's answer cannot be read: {what}")


class AnyLoopClient(openai.DefaultAsyncHttpxClient):
    """An HTTP client for any number of event loops, each with connections of its own.

    The SDK's own client is shared by all of a process and of no use once the first loop has
    ended. Here the connections of a loop are closed with the loop, if not by ``aclose`` before.
    """

    def __init__(self) -> None:
        # It only makes the requests; those that it hands them to have the connections.
        super().__init__(transport=httpx2.AsyncBaseTransport())
        self._lives: dict[asyncio.AbstractEventLoop, tuple[httpx2.AsyncClient, _Life]] = {}

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        client = await self._client()
        response = await client.send(request, **options)
        return await _as_events(response) if options.get("stream") else response

    async def aclose(self) -> None:
        if found := self._lives.get(asyncio.get_running_loop()):
            await found[1].aclose()
        await super().aclose()

    async def _client(self) -> httpx2.AsyncClient:
        loop = asyncio.get_running_loop()
        if loop not in self._lives:
            client = openai.DefaultAsyncHttpxClient(verify=_certificates())
            # A loop that ends closes the generators that are open in it: the one hook there is.
            life = self._live(loop, client)
            self._lives[loop] = client, life
            await anext(life)
        return self._lives[loop][0]

    async def _live(self, loop: asyncio.AbstractEventLoop, client: httpx2.AsyncClient) -> _Life:
        try:
            yield client
        finally:
            self._lives.pop(loop, None)
            await client.aclose()


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than all the rest of making a model."""
    return httpx2.create_ssl_context()


async def _as_events(response: httpx2.Response) -> httpx2.Response:
    """``response`` as a stream of events, also where the server does not stream or is none."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not response.is_success or kind not in ("application/json", "text/html"):
        return response
    body = await response.aread()
    if body.lstrip().startswith((b"{", b"[", b"<")):
        lines = (f"data: {json.dumps(event)}\n\n" for event in _events(body, kind))
        body = "".join([*lines, "data: [DONE]\n\n"]).encode()
    return httpx2.Response(response.status_code, content=body, request=response.request)


def _events(body: bytes, kind: str) -> Iterator[dict[str, Any]]:
    """The events in which a server that streams would have said ``body``."""
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        said = body.decode(errors="replace")
        yield {"error": {"message": f"the server answered with {kind}, not with a stream: {said}"}}
        return
    for choice in answer.get("choices") or ():
        choice["delta"] = {"index": 0, **(choice.pop("message", None) or {})}
    yield answer
