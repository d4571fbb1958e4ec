/** Loaded into every measured process (`--import`): answers what it has used so far. */
process.on('message', (message) => {
  if (message === 'usage') process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage().rss })
})
process.channel?.unref()
