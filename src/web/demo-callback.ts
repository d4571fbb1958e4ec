/** Where the demo's application takes its answers. */
export const DEMO_CALLBACK = '/demo/callback'
