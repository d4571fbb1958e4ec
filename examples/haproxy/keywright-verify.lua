-- Asks keywright-verify about a request, as nginx does with auth_request. Sets txn.status to the HTTP status of the response
-- (0 without a response) and txn.challenge to its WWW-Authenticate.

local VERIFIER = os.getenv("VERIFIER")

-- Milliseconds. HAProxy retries three times, so in total it waits longer than the verifier waits for a status list.
local TIMEOUT = 2500

local function ask(txn)
  local received = txn.http:req_get_headers()
  local secure = txn.f:ssl_fc()
  local headers = {
    ["x-forwarded-method"] = { txn.f:method() },
    ["x-forwarded-uri"] = { txn.f:pathq() },
    ["x-forwarded-proto"] = { (secure == true or secure == 1) and "https" or "http" },
    ["x-forwarded-host"] = { received["host"] and received["host"][0] },
  }
  -- With all values of each header: the verifier rejects a request with two tokens.
  for _, name in ipairs({ "authorization", "dpop", "x-api-key" }) do
    headers[name] = received[name]
  end
  return core.httpclient():get({ url = VERIFIER .. "/forward_auth", headers = headers, timeout = TIMEOUT })
end

core.register_action("keywright_verify", { "http-req" }, function(txn)
  local ok, response = pcall(ask, txn)
  local status = ok and response and response.status or 0
  local challenges = status ~= 0 and response.headers and response.headers["www-authenticate"]
  txn:set_var("txn.status", status)
  txn:set_var("txn.challenge", challenges and challenges[0] or "Bearer")
  if not ok then
    txn:Warning("the request to keywright-verify failed: " .. tostring(response))
  end
end, 0)
