/** A table that may be wider than its place: whoever uses the keyboard can move in it, where there is something to move. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

export function Scroll({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  const place = useRef<HTMLElement>(null)
  useEffect(() => {
    const box = place.current
    if (!box) return
    const look = (): void => {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0
      else box.removeAttribute('tabindex')
    }
    const watch = new ResizeObserver(look)
    watch.observe(box)
    if (box.firstElementChild) watch.observe(box.firstElementChild)
    return () => watch.disconnect()
  }, [])
  return (
    <section ref={place} class="scroll" aria-label={label}>
      {children}
    </section>
  )
}
