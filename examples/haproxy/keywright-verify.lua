-- Asks keywright-verify about a request, as nginx does with auth_request. Sets txn.verdict to the status that it answers, 0
-- where it does not, and txn.challenge to its WWW-Authenticate.

local VERIFIER = os.getenv("VERIFIER")

-- Milliseconds. Whoever does not answer HAProxy asks three times more, which together is longer than the verifier waits for a
-- list.
local TIMEOUT = 2500

local function ask(txn)
  local sent = txn.http:req_get_headers()
  local secure = txn.f:ssl_fc()
  local headers = {
    ["x-forwarded-method"] = { txn.f:method() },
    ["x-forwarded-uri"] = { txn.f:pathq() },
    ["x-forwarded-proto"] = { (secure == true or secure == 1) and "https" or "http" },
    ["x-forwarded-host"] = { sent["host"] and sent["host"][0] },
  }
  -- Each with all its values: of two tokens the verifier takes none.
  for _, name in ipairs({ "authorization", "dpop", "x-api-key" }) do
    headers[name] = sent[name]
  end
  return core.httpclient():get({ url = VERIFIER .. "/forward_auth", headers = headers, timeout = TIMEOUT })
end

core.register_action("keywright_verify", { "http-req" }, function(txn)
  local asked, response = pcall(ask, txn)
  local status = asked and response and response.status or 0
  local challenges = status ~= 0 and response.headers and response.headers["www-authenticate"]
  txn:set_var("txn.verdict", status)
  txn:set_var("txn.challenge", challenges and challenges[0] or "Bearer")
  if not asked then
    txn:Warning("keywright-verify could not be asked: " .. tostring(response))
  end
end, 0)
