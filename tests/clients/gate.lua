-- Writes down the headers of a request, one a line in the order in which they came, and answers as the APIs do.

local OPENAI = [[{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,
"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}],
"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}]]
local ANTHROPIC = [[{"id":"m1","type":"message","role":"assistant","model":"m","stop_reason":"end_turn",
"stop_sequence":null,"content":[{"type":"text","text":"Hello."}],"usage":{"input_tokens":1,"output_tokens":2}}]]
local GEMINI = [[{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello."}]},"finishReason":"STOP"}],
"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":2,"totalTokenCount":3}}]]
-- A page that asks an API as a chat in a browser does, and then says that it has.
local PAGE = [[<!doctype html><title>asking</title><script>
fetch(location.pathname + "/v1/chat/completions", {method: "POST", body: "{}",
  headers: {"authorization": "Bearer sk-dummy", "content-type": "application/json"}})
.then(() => document.title = "asked")
</script>]]

function envoy_on_request(request)
  local headers = request:headers()
  local lines = {}
  for name, value in pairs(headers) do
    if name:sub(1, 1) ~= ":" then
      lines[#lines + 1] = name .. ": " .. value
    end
  end
  request:streamInfo():dynamicMetadata():set("gate", "headers", table.concat(lines, "\n"))
  local path = headers:get(":path")
  local method = headers:get(":method")
  -- The whole of it first: over HTTP/2 some clients take an earlier answer for a broken stream.
  request:body()
  local kind, body = "application/json", OPENAI
  if path:find("/messages", 1, true) then
    body = ANTHROPIC
  elseif path:find("generateContent", 1, true) then
    body = GEMINI
  elseif method == "GET" then
    kind, body = "text/html", PAGE
  end
  request:respond({[":status"] = "200", ["content-type"] = kind}, body)
end
