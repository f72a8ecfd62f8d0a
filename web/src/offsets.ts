// Offsets of the service count code points, those of the editor UTF-16 units.

export class Offsets {
  /** units[k]: where code point k begins, and the text's length behind the last. Null: both counts are the same. */
  private readonly units: Uint32Array | null;
  readonly points: number;

  constructor(text: string) {
    if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) {
      this.units = null;
      this.points = text.length;
      return;
    }
    const units = new Uint32Array(text.length + 1);
    let points = 0;
    for (let at = 0; at < text.length; at += text.codePointAt(at)! > 0xffff ? 2 : 1) units[points++] = at;
    units[points] = text.length;
    this.units = units.subarray(0, points + 1);
    this.points = points;
  }

  /** The unit at which a code point begins. */
  unit(point: number): number {
    return this.units ? this.units[Math.min(point, this.points)] : Math.min(point, this.points);
  }

  /** The code point that holds a unit. */
  point(unit: number): number {
    if (!this.units) return Math.min(unit, this.points);
    let low = 0;
    let high = this.points;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.units[middle] <= unit) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
