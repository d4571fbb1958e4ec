// A page in a frame of the company's product. Only that origin receives these messages; they hold no data of the account.

const { embedOrigin, embedState } = document.body.dataset

const send = (message) => parent.postMessage(message, embedOrigin)

if (parent !== window) {
  const sendHeight = () =>
    send({ type: 'keywright:height', height: Math.ceil(document.documentElement.getBoundingClientRect().height) })
  new ResizeObserver(sendHeight).observe(document.documentElement)
  sendHeight()
  // The product opens another session.
  if (embedState) send({ type: 'keywright:session-over', reason: embedState })
}
