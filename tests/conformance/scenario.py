"""The scenario in the official Python SDK; scenario.cpp and scenario.mjs have the same, step by step.

The platform's address and the credentials come from JUDGMENT_API_URL, JUDGMENT_API_KEY and JUDGMENT_ORG_ID. What 0.32.2
has no call for (a propagating attribute, a linked trace) is left out, and so is a difference that docs/conformance.md lists.
"""

from judgeval.v1 import Judgeval
from judgeval.v1.data.example import Example
from judgeval.v1.scorers.api_scorer import APIScorer
from opentelemetry.context import attach, detach
from opentelemetry.propagate import extract, inject

client = Judgeval(project_name="conformance")
tracer = client.tracer.create(
    resource_attributes={"service.version": "1.0", "deployment.environment": "staging", "shard": 7}
)


def nested_tools():
    @tracer.observe(span_type="tool", span_name="rank")
    def rank(scores):
        return 0.75

    @tracer.observe(span_type="tool", span_name="search")
    def search(query, limit, exact, weight, filters):
        rank([0.5, 1.0, 0.1])
        return ["Lisbon", "São Paulo"]

    @tracer.observe(span_type="tool", span_name="count")
    def count(text):
        return len(text)

    @tracer.observe(span_type="tool", span_name="is_open")
    def is_open():
        return True

    @tracer.observe(span_type="tool", span_name="notify")
    def notify(message):
        pass

    @tracer.observe(span_type="tool", span_name="profile")
    def profile(user):
        return {"name": "Ada", "visits": 3, "tags": ["new", "paying"], "address": None}

    @tracer.observe(span_type="tool", span_name="secret", record_input=False, record_output=False)
    def secret(password):
        return "token"

    @tracer.observe(span_type="function", span_name="run_agent")
    def run_agent(question):
        search("a city — \"quoted\", on\ttwo\nlines", 3, False, 1.0, {"country": "PT", "ids": [1, 2]})
        count("twelve chars")
        is_open()
        notify("hello")
        profile({"id": 17})
        secret("hunter2")
        return "It is " + question

    run_agent("where?")


def llm_call():
    @tracer.observe(span_type="function", span_name="ask_model")
    def ask_model(prompt):
        with tracer.span("OPENAI_API_CALL"):
            tracer.set_llm_span()
            tracer.set_attribute("gen_ai.prompt", '{"model":"gpt-4o","messages":[]}')
            tracer.set_attribute("gen_ai.request.model", "gpt-4o")
            tracer.set_attribute("gen_ai.completion", "Lisbon")
            tracer.set_attribute("judgment.llm.provider", "openai")
            tracer.set_attribute("judgment.llm.model", "gpt-4o")
            tracer.set_attribute("judgment.usage.non_cached_input_tokens", 11)
            tracer.set_attribute("judgment.usage.output_tokens", 2)
            tracer.set_attribute("judgment.usage.total_cost_usd", 0.00125)
        return "Lisbon"

    ask_model("The capital of Portugal?")


def error():
    @tracer.observe(span_type="tool", span_name="divide")
    def divide(dividend, divisor):
        raise ValueError("cannot divide by zero")

    @tracer.observe(span_type="function", span_name="calculate")
    def calculate(text):
        try:
            divide(1, 0)
        except ValueError:
            return "recovered"

    calculate("1/0")


def attributes():
    with tracer.span("process_order"):
        tracer.set_span_kind("function")
        tracer.set_input({"order": 123})
        tracer.set_attribute("text", "text")
        tracer.set_attribute("integer", 19)
        tracer.set_attribute("real", 99.5)
        tracer.set_attribute("whole", 2.0)
        tracer.set_attribute("flag", True)
        tracer.set_attribute("list", ["a", "b"])
        tracer.set_attribute("object", {"a": 1})
        tracer.set_attributes({"currency": "USD", "items": 2})
        tracer.set_attribute("judgment.state_before", {"stock": 3})
        tracer.set_attribute("judgment.state_after", {"stock": 2})
        tracer.set_output(["packed", "sent"])
    with tracer.span("estimate"):
        tracer.set_tool_span()
        tracer.set_input(3)
        tracer.set_output(4.5)


def session():
    @tracer.observe(span_type="tool", span_name="retrieve")
    def retrieve(query):
        @tracer.observe(span_type="tool", span_name="embed")
        def embed():
            return "vector"

        return embed()

    @tracer.observe(span_type="tool", span_name="hand_over")
    def hand_over():
        tracer.set_customer_id("customer-8")  # for what is below here only

        @tracer.observe(span_type="tool", span_name="handed_over")
        def handed_over():
            return "done"

        return handed_over()

    @tracer.observe(span_type="function", span_name="chat_turn")
    def chat_turn(message):
        tracer.set_session_id("session-42")
        tracer.set_customer_id("customer-7")
        tracer.set_customer_user_id("user-1")
        retrieve(message)
        hand_over()
        retrieve("once more")
        return "bye"

    chat_turn("hello")


def project_override():
    faithfulness = APIScorer(score_type="Faithfulness", required_params=["context", "actual_output"])

    @tracer.observe(span_type="tool", span_name="routed_tool")
    def routed_tool():
        tracer.override_project("never asked for")  # not a root span: has no effect
        return "routed"

    @tracer.observe(span_type="function", span_name="routed")
    def routed():
        tracer.override_project("conformance-other")
        tracer.tag("for the other project")
        tracer.async_evaluate(faithfulness, Example.create(context="a page"))
        return routed_tool()

    routed()


class Planner:
    def __init__(self, name):
        self.name = name

    @tracer.agent(identifier="name")
    @tracer.observe(span_type="agent", span_name="plan")
    def plan(self, goal):
        look_up("calendar")
        Critic("strict").criticise("a table")
        look_up("address")
        return "planned"


class Critic:
    def __init__(self, name):
        self.name = name

    @tracer.agent(identifier="name")
    @tracer.observe(span_type="agent", span_name="criticise", record_input=False)
    def criticise(self, plan):
        look_up("taste")
        return "fine"


@tracer.observe(span_type="tool", span_name="look_up")
def look_up(what):
    return what


def agents():
    Planner("first").plan("book a table")


def evaluation():
    scorer = APIScorer(
        score_type="Answer Relevancy", required_params=["input", "actual_output"], threshold=0.8
    )

    @tracer.observe(span_type="function", span_name="answer")
    def answer(question):
        tracer.async_evaluate(
            scorer, Example.create(input=question, actual_output="Lisbon", retrieval_context=["a page", "another"])
        )
        tracer.async_evaluate(client.scorers.prompt_scorer.get("Tone"), Example.create(actual_output="Lisbon"))
        tracer.async_trace_evaluate(scorer)
        return "Lisbon"

    answer("The capital of Portugal?")


def tags():
    @tracer.observe(span_type="function", span_name="tagged")
    def tagged():
        tracer.tag("reviewed")
        tracer.tag(["important", "customer-facing"])

    tagged()


def remote_parent():
    headers = {
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "tracestate": "vendor=t61rcWkgMzE,other=00f067aa0ba902b7",
        "baggage": "region=eu%20west,judgment.session_id=session-9",
    }

    @tracer.observe(span_type="function", span_name="handle_request")
    def handle_request(path):
        outgoing = {}
        inject(outgoing)
        for name in ("traceparent", "tracestate", "baggage"):
            tracer.set_attribute("outgoing." + name, outgoing.get(name, ""))
        look_up("stock")
        return "200"

    token = attach(extract(headers))
    handle_request("/orders")
    detach(token)


nested_tools()
llm_call()
error()
attributes()
session()
project_override()
agents()
evaluation()
tags()
remote_parent()
tracer.force_flush(30000)
tracer.shutdown()
