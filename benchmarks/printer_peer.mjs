// Encodes one ticket with @point-of-sale/receipt-printer-encoder: one JSON line in, one out, as often as asked.
import { createInterface } from 'node:readline';
import ReceiptPrinterEncoder from '@point-of-sale/receipt-printer-encoder';

// What saves it bytes: the one code page that has it all, LF alone, no more empty lines than bring the last one past the knife.
const encoder = new ReceiptPrinterEncoder({
  language: 'esc-pos',
  columns: 48,
  newline: '\n',
  feedBeforeCut: 4,
});

function encode(ticket) {
  encoder.initialize().codepage('cp858');
  for (const [text, align, bold] of ticket.lines) {
    encoder.align(align).bold(bold).line(text);
  }
  if (ticket.qr) {
    encoder.bold(false).align('center').qrcode(ticket.qr, { model: 2, size: ticket.module_dots, errorlevel: 'm' });
  }
  return encoder.cut('partial').encode();
}

let ticket;
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line);
  if (order.lines) {
    ticket = order;
    console.log(JSON.stringify({ hex: Buffer.from(encode(ticket)).toString('hex') }));
    continue;
  }
  const start = process.cpuUsage();
  for (let count = 0; count < order.times; count += 1) {
    encode(ticket);
  }
  const used = process.cpuUsage(start);
  console.log(JSON.stringify({ ms: (used.user + used.system) / 1000 / order.times }));
}
