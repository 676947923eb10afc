import type { ComponentChildren } from 'preact'

interface HeadingProps {
  readonly title: string
  readonly about?: ComponentChildren
  readonly children?: ComponentChildren
}

/** The top of a page: what it is, and what can be chosen on it. */
export function Heading({ title, about, children }: HeadingProps) {
  return (
    <div class="heading">
      <div>
        <h1>{title}</h1>
        {about && <p class="about">{about}</p>}
      </div>
      <div class="row">{children}</div>
    </div>
  )
}
