"""`openai` of PyPI."""

import json
from typing import Any

from openai import OpenAI
from pydantic import BaseModel
from wire import EMBEDDED, WEATHER, WEATHER_RESULT, patience, serve

TOOLS: Any = [{"type": "function", "function": {**WEATHER, "strict": True}}]
RESPONSE_TOOLS: Any = [{"type": "function", **WEATHER, "strict": True}]


class Reading(BaseModel):
    city: str
    degrees: int


def client(call: dict[str, Any]) -> OpenAI:
    return OpenAI(base_url=call["url"] + "/v1", **patience(call))


def asked(call: dict[str, Any]) -> dict[str, Any]:
    return {"model": call["model"], "messages": [{"role": "user", "content": call["prompt"]}]}


def chat(call: dict[str, Any]) -> dict[str, Any]:
    answer = client(call).chat.completions.create(**asked(call))
    usage = answer.usage
    return {
        "text": answer.choices[0].message.content,
        "inputTokens": usage.prompt_tokens if usage else -1,
        "outputTokens": usage.completion_tokens if usage else -1,
    }


def stream(call: dict[str, Any]) -> dict[str, Any]:
    pieces: list[str] = []
    output_tokens = -1
    options = {"include_usage": True}
    for chunk in client(call).chat.completions.create(**asked(call), stream=True, stream_options=options):
        if chunk.choices and chunk.choices[0].delta.content:
            pieces.append(chunk.choices[0].delta.content)
        if chunk.usage:
            output_tokens = chunk.usage.completion_tokens
    return {"text": "".join(pieces), "pieces": len(pieces), "outputTokens": output_tokens}


def with_tools(call: dict[str, Any], ask: Any) -> dict[str, Any]:
    body = asked(call)
    first = ask(model=body["model"], messages=body["messages"], tools=TOOLS)
    calls = first.tool_calls or []
    results = [{"role": "tool", "tool_call_id": one.id, "content": WEATHER_RESULT} for one in calls]
    said = {
        "role": "assistant",
        "content": first.content,
        "tool_calls": [
            {"id": one.id, "type": "function", "function": {"name": one.function.name, "arguments": one.function.arguments}}
            for one in calls
        ],
    }
    second = ask(model=body["model"], messages=[*body["messages"], said, *results], tools=TOOLS)
    return {
        "toolCalls": [{"name": one.function.name, "input": json.loads(one.function.arguments)} for one in calls],
        "text": second.content,
    }


def tools(call: dict[str, Any]) -> dict[str, Any]:
    return with_tools(call, lambda **body: client(call).chat.completions.create(**body).choices[0].message)


def streamed_tools(call: dict[str, Any]) -> dict[str, Any]:
    def ask(**body: Any) -> Any:
        with client(call).chat.completions.stream(**body) as events:
            return events.get_final_completion().choices[0].message

    return with_tools(call, ask)


def structured(call: dict[str, Any]) -> dict[str, Any]:
    answer = client(call).chat.completions.parse(**asked(call), response_format=Reading)
    parsed = answer.choices[0].message.parsed
    return {"value": parsed.model_dump() if parsed else None}


def abort(call: dict[str, Any]) -> dict[str, Any]:
    with client(call).chat.completions.create(**asked(call), stream=True) as events:
        for chunk in events:
            if chunk.choices and chunk.choices[0].delta.content:
                return {"text": chunk.choices[0].delta.content}
    return {}


def models(call: dict[str, Any]) -> dict[str, Any]:
    return {"names": [one.id for one in client(call).models.list().data]}


def embed(call: dict[str, Any]) -> dict[str, Any]:
    answer = client(call).embeddings.create(model=call["model"], input=EMBEDDED)
    return {"vectors": [one.embedding for one in answer.data]}


def responses(call: dict[str, Any]) -> dict[str, Any]:
    answer = client(call).responses.create(model=call["model"], input=call["prompt"])
    usage = answer.usage
    return {
        "text": answer.output_text,
        "inputTokens": usage.input_tokens if usage else -1,
        "outputTokens": usage.output_tokens if usage else -1,
    }


def responses_stream(call: dict[str, Any]) -> dict[str, Any]:
    pieces = 0
    with client(call).responses.stream(model=call["model"], input=call["prompt"]) as events:
        for event in events:
            if event.type == "response.output_text.delta":
                pieces += 1
        return {"text": events.get_final_response().output_text, "pieces": pieces}


def responses_tools(call: dict[str, Any]) -> dict[str, Any]:
    question: list[Any] = [{"role": "user", "content": call["prompt"]}]
    first = client(call).responses.create(model=call["model"], input=question, tools=RESPONSE_TOOLS)
    calls = [one for one in first.output if one.type == "function_call"]
    results = [{"type": "function_call_output", "call_id": one.call_id, "output": WEATHER_RESULT} for one in calls]
    history = [*question, *[one.to_dict() for one in calls], *results]
    second = client(call).responses.create(model=call["model"], input=history, tools=RESPONSE_TOOLS)
    return {
        "toolCalls": [{"name": one.name, "input": json.loads(one.arguments)} for one in calls],
        "text": second.output_text,
    }


def responses_structured(call: dict[str, Any]) -> dict[str, Any]:
    parsed = client(call).responses.parse(model=call["model"], input=call["prompt"], text_format=Reading).output_parsed
    return {"value": parsed.model_dump() if parsed else None}


serve(
    {
        "chat": chat,
        "stream": stream,
        "tools": tools,
        "streamedTools": streamed_tools,
        "structured": structured,
        "abort": abort,
        "models": models,
        "embed": embed,
        "responses": responses,
        "responsesStream": responses_stream,
        "responsesTools": responses_tools,
        "responsesStructured": responses_structured,
    }
)
