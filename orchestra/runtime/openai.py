"""OpenAI's chat API, as OpenAI and the many servers that claim to be compatible speak it.

langchain-openai follows OpenAI's own specification. Other servers leave out what they think is
not needed (indices and ids of tool calls, streaming itself), repeat what is sent once (usage, ids)
and add what OpenAI lacks (reasoning). Here their dialects become the one that LangChain reads, so
that nothing else has to know of them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Self, cast

import httpx2
import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models.chat_models import agenerate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import ToolCallChunk, tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import ensure_config
from langchain_openai import ChatOpenAI
from pydantic import model_validator

from .faults import COST, HALF, MalformedAnswerError
from .state import MESSAGE

_Life = AsyncGenerator[httpx2.AsyncClient, None]


class OpenAIChat(ChatOpenAI):
    """ChatOpenAI for every dialect: reasoning, odd tool calls, usage said more than once."""

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
        calls = _ToolCalls(taken=_ids_in(messages))
        usage: UsageMetadata | None = None
        cost: float | None = None
        chunk: ChatGenerationChunk | None = None
        try:
            async for chunk in super()._astream(messages, stop, **kwargs):
                message = chunk.message
                if isinstance(message, AIMessageChunk):
                    if message.usage_metadata:
                        usage, message.usage_metadata = message.usage_metadata, None
                    cost = message.response_metadata.pop(COST, cost)
                    if message.tool_call_chunks:
                        chunk.message = calls.in_order(message)
                yield chunk
        except json.JSONDecodeError as error:
            raise MalformedAnswerError(f"the server sent what is not JSON: {error.doc}") from error
        except (UnicodeDecodeError, AttributeError) as error:  # the latter: JSON, but no object
            raise _unreadable(error) from error
        if chunk is None:
            raise MalformedAnswerError("the server's answer is empty")
        if half := calls.half():
            last = AIMessageChunk(content="", response_metadata={HALF: half})
            yield ChatGenerationChunk(message=last)
        if usage:  # once, at the end: some say the sum so far with every chunk, and chunks add up
            said = {} if cost is None else {COST: cost}
            last = AIMessageChunk(content="", usage_metadata=usage, response_metadata=said)
            yield ChatGenerationChunk(message=last)

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
            delta = _delta(chunk)
            for call in delta.get("tool_calls") or ():
                _complete(call)
            made = super()._convert_chunk_to_generation_chunk(
                chunk, default_chunk_class, base_generation_info
            )
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise _unreadable(error) from error
        spent = (chunk.get("usage") or {}).get("cost")
        if made is not None and isinstance(spent, int | float):
            made.message.response_metadata[COST] = spent
        # The two names it goes by; servers in between send both.
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if made is not None and reasoning and isinstance(reasoning, str):
            made.message.additional_kwargs["reasoning_content"] = reasoning
        return made


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
        return await self._client.post(
            "/chat/completions",
            body=body,
            options={"security": {"bearer_auth": True}},
            cast_to=object,
            stream=True,
            stream_cls=openai.AsyncStream[object],
        )


def _unreadable(error: Exception) -> MalformedAnswerError:
    what = f"{type(error).__name__}: {error}"
    return MalformedAnswerError(f"the server's answer cannot be read: {what}")


def _delta(chunk: dict[str, Any]) -> dict[str, Any]:
    """What a chunk adds to the message; made where a server leaves it out."""
    for choice in chunk.get("choices") or ():
        choice["delta"] = choice.get("delta") or {}
        return cast(dict[str, Any], choice["delta"])
    return {}


def _complete(call: dict[str, Any]) -> None:
    """Give a fragment of a tool call the keys, and the arguments the type, that it should have."""
    call.setdefault("index", None)
    function = call["function"] = call.get("function") or {}
    arguments = function.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        function["arguments"] = json.dumps(arguments, ensure_ascii=False)


@dataclass(slots=True)
class _Call:
    """A tool call as the server tells it: its index, its id, and its arguments so far."""

    index: int | None
    id: str | None
    args: list[str] = field(default_factory=list)
    given: str = ""
    """The id that it has here."""

    def goes_on(self, index: int | None, call_id: str | None, name: str | None) -> bool:
        """Whether a fragment with these marks may be one of this call."""
        if index is None:
            return self.id == call_id if call_id else name is None
        return index == self.index and (call_id is None or self.id in (None, call_id))

    def whole(self) -> bool:
        try:
            return isinstance(json.loads("".join(self.args)), dict)
        except ValueError:
            return False


@dataclass(slots=True)
class _ToolCalls:
    """Puts the fragments of one message's tool calls in order.

    Whichever way a server tells them apart (by index, by id, or not at all, each call whole), out
    come indices from 0, one id for each call, unlike all others of the conversation, and each
    name once. ``taken`` are the ids already used.
    """

    taken: set[str]
    _calls: list[_Call] = field(default_factory=list)

    def in_order(self, message: AIMessageChunk) -> AIMessageChunk:
        """``message``, or what it should have been."""
        chunks = [self._next(chunk) for chunk in message.tool_call_chunks]
        if chunks == message.tool_call_chunks:
            return message
        # Made anew, because LangChain reads the chunks only when a message is made.
        return AIMessageChunk(
            content=message.content,
            additional_kwargs=message.additional_kwargs,
            response_metadata=message.response_metadata,
            tool_call_chunks=chunks,
            id=message.id,
            chunk_position=message.chunk_position,
        )

    def half(self) -> list[str]:
        """The ids of the calls whose arguments are no JSON."""
        return [call.given for call in self._calls if "".join(call.args) and not call.whole()]

    def _next(self, chunk: ToolCallChunk) -> ToolCallChunk:
        args, call_id, name = chunk["args"] or "", chunk["id"] or None, chunk["name"] or None
        ours = self._known(chunk["index"], call_id, name, args)
        if ours is not None:
            self._calls[ours].args.append(args)
            return tool_call_chunk(name=None, args=args, id=None, index=ours)
        self._calls.append(_Call(chunk["index"], call_id, [args]))
        ours = len(self._calls) - 1
        own = self._calls[ours].given = self._unique(call_id, ours)
        return tool_call_chunk(name=name, args=args, id=own, index=ours)

    def _known(
        self, index: int | None, call_id: str | None, name: str | None, args: str
    ) -> int | None:
        """Which call a fragment goes on with; None if it begins one."""
        for ours, call in reversed(list(enumerate(self._calls))):
            if call.goes_on(index, call_id, name):
                # Some give all calls the same marks. A name and more after a whole is a new call.
                return None if name and args and call.whole() else ours
        return None

    def _unique(self, call_id: str | None, ours: int) -> str:
        if call_id is None or call_id in self.taken:
            message_id = ensure_config().get("metadata", {}).get(MESSAGE, "")
            # Nine letters and digits: Mistral takes nothing else.
            seed = f"{message_id}.{ours}.{len(self.taken)}"
            call_id = hashlib.sha256(seed.encode()).hexdigest()[:9]
        self.taken.add(call_id)
        return call_id


def _ids_in(messages: list[BaseMessage]) -> set[str]:
    said = (message for message in messages if isinstance(message, AIMessage))
    return {call["id"] or "" for message in said for call in message.tool_calls}


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
