import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { type Answer, basicHeader, type Credentials, type FormData } from './requests.ts'

/** Sends the body. Resolves to the answer. */
type Finish = () => Promise<Answer>

/**
 * POSTs a form, and resolves when the server has begun to serve the request, which then waits for its body: a server answers
 * `Expect: 100-continue` when the head has arrived.
 */
export async function arriveForm(url: string, form: FormData, basic: Credentials): Promise<Finish> {
  const body = new URLSearchParams(form).toString()
  const headers = {
    authorization: basicHeader(basic),
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(body),
    expect: '100-continue',
  }
  const sent = request(url, { method: 'POST', headers, agent: new Agent() })
  sent.flushHeaders()
  await once(sent, 'continue')
  return async () => {
    sent.end(body)
    const [response] = await once(sent, 'response')
    const answer = await text(response)
    const answerHeaders = new Headers(response.headers)
    return { status: response.statusCode, headers: answerHeaders, text: answer, body: JSON.parse(answer) }
  }
}
