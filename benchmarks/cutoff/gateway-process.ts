/** A stand-in gateway in a process of its own: options as JSON in the first argument, addresses as JSON on its output. */
import { type StandInGatewayOptions, startStandInGateway } from '../../stand-in-gateway/src';

const start = async (): Promise<void> => {
  const gateway = await startStandInGateway(JSON.parse(process.argv[2]!) as StandInGatewayOptions);
  process.once('SIGTERM', () => void gateway.close().then(() => process.exit(0)));
  console.log(JSON.stringify({ proxyUrl: gateway.proxyUrl, adminUrl: gateway.adminUrl }));
};

void start();
