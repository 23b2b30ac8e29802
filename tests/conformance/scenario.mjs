// The scenario in the official npm SDK; scenario.cpp and scenario.py have the same, step by step.
//
//     node scenario.mjs FOLDER    FOLDER has node_modules with judgeval in it
//
// The platform's address and the credentials come from JUDGMENT_API_URL, JUDGMENT_API_KEY and JUDGMENT_ORG_ID. What 1.2.1 has
// no call for (an agent, a project override) is left out, and so is a difference that
// docs/conformance.md lists.
import { createRequire } from "node:module";

const { Tracer, propagation } = createRequire(process.argv[2] + "/")("judgeval");

await Tracer.init({
  projectName: "conformance",
  environment: "staging",
  resourceAttributes: { "service.version": "1.0", shard: 7 },
});

function observe(spanType, spanName, call, options = {}) {
  return Tracer.observe(call, { spanType, spanName, ...options });
}

function nestedTools() {
  const rank = observe("tool", "rank", (scores) => 0.75);
  const search = observe("tool", "search", (query, limit, exact, weight, filters) => {
    rank([0.5, 1.0, 0.1]);
    return ["Lisbon", "São Paulo"];
  });
  const count = observe("tool", "count", (text) => text.length);
  const isOpen = observe("tool", "is_open", () => true);
  const notify = observe("tool", "notify", (message) => {});
  const profile = observe("tool", "profile", (user) => ({
    name: "Ada",
    visits: 3,
    tags: ["new", "paying"],
    address: null,
  }));
  const secret = observe("tool", "secret", (password) => "token", { recordInput: false, recordOutput: false });
  const runAgent = observe("function", "run_agent", (question) => {
    search('a city — "quoted", on\ttwo\nlines', 3, false, 1.0, { country: "PT", ids: [1, 2] });
    count("twelve chars");
    isOpen();
    notify("hello");
    profile({ id: 17 });
    secret("hunter2");
    return "It is " + question;
  });
  runAgent("where?");
}

function llmCall() {
  const askModel = observe("function", "ask_model", (prompt) => {
    Tracer.with("OPENAI_API_CALL", () => {
      Tracer.setLLMSpan();
      Tracer.setAttribute("gen_ai.prompt", '{"model":"gpt-4o","messages":[]}');
      Tracer.setAttribute("gen_ai.request.model", "gpt-4o");
      Tracer.setAttribute("gen_ai.completion", "Lisbon");
      Tracer.recordLLMMetadata({
        provider: "openai",
        model: "gpt-4o",
        non_cached_input_tokens: 11,
        output_tokens: 2,
        total_cost_usd: 0.00125,
      });
    });
    return "Lisbon";
  });
  askModel("The capital of Portugal?");
}

function error() {
  const divide = observe("tool", "divide", (dividend, divisor) => {
    throw new RangeError("cannot divide by zero");
  });
  const calculate = observe("function", "calculate", (text) => {
    try {
      return divide(1, 0);
    } catch {
      return "recovered";
    }
  });
  calculate("1/0");
}

function attributes() {
  Tracer.with("process_order", () => {
    Tracer.setSpanKind("function");
    Tracer.setInput({ order: 123 });
    Tracer.setAttribute("text", "text");
    Tracer.setAttribute("integer", 19);
    Tracer.setAttribute("real", 99.5);
    Tracer.setAttribute("whole", 2.0);
    Tracer.setAttribute("flag", true);
    Tracer.setAttribute("list", ["a", "b"]);
    Tracer.setAttribute("object", { a: 1 });
    Tracer.setAttributes({ currency: "USD", items: 2 });
    Tracer.setAttribute("judgment.state_before", { stock: 3 });
    Tracer.setAttribute("judgment.state_after", { stock: 2 });
    Tracer.setOutput(["packed", "sent"]);
  });
  Tracer.with("estimate", () => {
    Tracer.setToolSpan();
    Tracer.setInput(3);
    Tracer.setOutput(4.5);
  });
}

function session() {
  const embed = observe("tool", "embed", () => "vector");
  const retrieve = observe("tool", "retrieve", (query) => embed());
  const handedOver = observe("tool", "handed_over", () => "done");
  const handOver = observe("tool", "hand_over", () => {
    Tracer.setCustomerId("customer-8"); // for what is below here only
    return handedOver();
  });
  const chatTurn = observe("function", "chat_turn", (message) => {
    Tracer.setSessionId("session-42");
    Tracer.setCustomerId("customer-7");
    Tracer.setCustomerUserId("user-1");
    retrieve(message);
    handOver();
    retrieve("once more");
    return "bye";
  });
  chatTurn("hello");
}

function propagatingAttribute() {
  const leaf = observe("tool", "leaf", () => "leaf");
  const tenant = observe("function", "tenant", () => {
    Tracer.setPropagatingAttribute("tenant", "north wing");
    Tracer.setPropagatingAttribute("judgment.reserved", "not taken");
    return leaf();
  });
  tenant();
}

function evaluation() {
  const answer = observe("function", "answer", (question) => {
    Tracer.asyncEvaluate({
      judge: "Answer Relevancy",
      example: { input: question, actual_output: "Lisbon", retrieval_context: ["a page", "another"] },
    });
    return "Lisbon";
  });
  answer("The capital of Portugal?");
}

function tags() {
  const tagged = observe("function", "tagged", () => {
    Tracer.tag("reviewed");
    Tracer.tag(["important", "customer-facing"]);
  });
  tagged();
}

function linkedTrace() {
  const reindex = observe("tool", "reindex", (folder) => "indexed", { fork: true });
  const publish = observe("function", "publish", () => reindex("drafts"));
  publish();
}

function remoteParent() {
  const headers = {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "vendor=t61rcWkgMzE,other=00f067aa0ba902b7",
    baggage: "region=eu%20west,judgment.session_id=session-9",
  };
  const lookUp = observe("tool", "look_up", (what) => what);
  const handleRequest = observe("function", "handle_request", (path) => {
    const outgoing = {};
    propagation.inject(outgoing);
    for (const name of ["traceparent", "tracestate", "baggage"]) {
      Tracer.setAttribute("outgoing." + name, outgoing[name] ?? "");
    }
    lookUp("stock");
    return "200";
  });
  Tracer.continueTrace(headers, () => handleRequest("/orders"));
}

nestedTools();
llmCall();
error();
attributes();
session();
propagatingAttribute();
evaluation();
tags();
linkedTrace();
remoteParent();
await Tracer.forceFlush();
await Tracer.shutdown();
