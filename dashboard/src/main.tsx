import { render } from 'preact'
import { App } from './app.tsx'
import './styles/base.css'
import './styles/parts.css'
import './styles/pages.css'
import { apply } from './theme.ts'

apply()
const place = document.getElementById('app')
if (place) {
  place.replaceChildren()
  render(<App />, place)
}
