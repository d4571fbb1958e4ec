import { expect, test } from 'vitest'
import { originError } from '../../src/shared/web-origins.ts'

test.each([
  'https://app.example.com',
  'https://app.example.com:8443',
  'http://localhost:3000',
  'http://127.0.0.1:3000',
  'http://127.0.0.2',
  'http://[::1]:3000',
])('%s is an origin', (origin) => {
  expect(originError(origin)).toBeUndefined()
})

test.each([
  'http://app.example.com',
  'http://192.168.0.1',
  'http://128.0.0.1',
  'http://127.0.0.1.example.com',
  'http://localhost.example.com',
  'http://127.1',
  'https://App.example.com',
  'https://app.example.com/',
  'https://app.example.com:443',
  'https://me@app.example.com',
  'https://*.example.com',
  'app.example.com',
])('%s is none', (origin) => {
  expect(originError(origin)).toMatch(/^an origin is https:\/\//)
})
